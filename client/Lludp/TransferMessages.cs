using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace GlobalCache.Client.Lludp;

/// <summary>Where a transfer's bytes are to come from (PROTOCOL §6.1). Only <see cref="Asset"/> is ours; the others are permission-checked.</summary>
internal enum TransferSource
{
    File = 1,
    Asset = 2,
    InventoryItem = 3,
    Estate = 4,
}

/// <summary>How a transfer, or one packet of it, stands (PROTOCOL §6.1).</summary>
internal enum TransferStatus
{
    Ok = 0,
    Done = 1,
    Skip = 2,
    Abort = 3,
    Error = -1,
    UnknownSource = -2,
    InsufficientPermissions = -3,
}

/// <summary>A TransferRequest for an asset by its UUID.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TransferRequest(Guid TransferId, int Channel, float Priority, Guid Asset, int AssetType);

/// <summary>The bodies of the transfer messages (PROTOCOL §6.1), decoded: read without copies, written into a span that must hold them.</summary>
internal static class TransferMessages
{
    /// <summary>The asset channel.</summary>
    public const int AssetChannel = 2;

    /// <summary>What we put into one packet; viewers take up to 2048.</summary>
    public const int PacketBytes = 1000;

    /// <summary>Bytes of a TransferPacket's body before its data.</summary>
    public const int PacketOverhead = 30;

    /// <summary>Bytes of a TransferInfo's body for an asset.</summary>
    public const int InfoBytes = 32 + 2 + AssetParams;

    private const int AssetParams = 20;

    /// <summary>False: cut off, or from another source than <see cref="TransferSource.Asset"/>.</summary>
    public static bool TryReadAssetRequest(ReadOnlySpan<byte> body, out TransferRequest request)
    {
        request = default;
        if (body.Length < 30 + AssetParams || BinaryPrimitives.ReadInt32LittleEndian(body[20..]) != (int)TransferSource.Asset
            || BinaryPrimitives.ReadUInt16LittleEndian(body[28..]) != AssetParams)
        {
            return false;
        }

        request = new TransferRequest(
            new Guid(body[..16], bigEndian: true), BinaryPrimitives.ReadInt32LittleEndian(body[16..]), BinaryPrimitives.ReadSingleLittleEndian(body[24..]),
            new Guid(body.Slice(30, 16), bigEndian: true), BinaryPrimitives.ReadInt32LittleEndian(body[46..]));
        return true;
    }

    /// <summary>TransferInfo. False: cut off.</summary>
    public static bool TryReadInfo(ReadOnlySpan<byte> body, out Guid transfer, out TransferStatus status, out int size)
    {
        (transfer, status, size) = (Guid.Empty, TransferStatus.Ok, 0);
        if (body.Length < 34)
        {
            return false;
        }

        transfer = new Guid(body[..16], bigEndian: true);
        status = (TransferStatus)BinaryPrimitives.ReadInt32LittleEndian(body[24..]);
        size = BinaryPrimitives.ReadInt32LittleEndian(body[28..]);
        return true;
    }

    /// <summary>TransferPacket. False: cut off.</summary>
    public static bool TryReadPacket(ReadOnlySpan<byte> body, out Guid transfer, out int packet, out TransferStatus status, out ReadOnlySpan<byte> data)
    {
        (transfer, packet, status) = (Guid.Empty, 0, TransferStatus.Ok);
        data = default;
        if (body.Length < PacketOverhead)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadUInt16LittleEndian(body[28..]);
        if (length > body.Length - PacketOverhead)
        {
            return false;
        }

        transfer = new Guid(body[..16], bigEndian: true);
        packet = BinaryPrimitives.ReadInt32LittleEndian(body[20..]);
        status = (TransferStatus)BinaryPrimitives.ReadInt32LittleEndian(body[24..]);
        data = body.Slice(PacketOverhead, length);
        return true;
    }

    /// <summary>TransferAbort. False: cut off.</summary>
    public static bool TryReadAbort(ReadOnlySpan<byte> body, out Guid transfer)
    {
        transfer = body.Length < 20 ? Guid.Empty : new Guid(body[..16], bigEndian: true);
        return body.Length >= 20;
    }

    /// <summary>Writes the TransferInfo that announces <paramref name="size"/> bytes; the bytes it took.</summary>
    public static int WriteInfo(in TransferRequest request, int size, Span<byte> destination)
    {
        destination[..InfoBytes].Clear();               // TargetType 0, Status 0
        request.TransferId.TryWriteBytes(destination, bigEndian: true, out _);
        BinaryPrimitives.WriteInt32LittleEndian(destination[16..], request.Channel);
        BinaryPrimitives.WriteInt32LittleEndian(destination[28..], size);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[32..], AssetParams);
        request.Asset.TryWriteBytes(destination[34..], bigEndian: true, out _);
        BinaryPrimitives.WriteInt32LittleEndian(destination[50..], request.AssetType);
        return InfoBytes;
    }

    public static int Packets(int size) => Math.Max(1, (size + PacketBytes - 1) / PacketBytes);

    /// <summary>Writes the TransferPacket that carries this part of a file, the last with status 1; the bytes it took.</summary>
    public static int WritePart(in TransferRequest request, ReadOnlySpan<byte> file, int packet, Span<byte> destination)
    {
        int start = packet * PacketBytes, length = Math.Min(PacketBytes, file.Length - start);
        bool last = start + length == file.Length;
        request.TransferId.TryWriteBytes(destination, bigEndian: true, out _);
        BinaryPrimitives.WriteInt32LittleEndian(destination[16..], request.Channel);
        BinaryPrimitives.WriteInt32LittleEndian(destination[20..], packet);
        BinaryPrimitives.WriteInt32LittleEndian(destination[24..], (int)(last ? TransferStatus.Done : TransferStatus.Ok));
        BinaryPrimitives.WriteUInt16LittleEndian(destination[28..], (ushort)length);
        file.Slice(start, length).CopyTo(destination[PacketOverhead..]);
        return PacketOverhead + length;
    }

    /// <summary>Writes a TransferAbort; the bytes it took.</summary>
    public static int WriteAbort(in TransferRequest request, Span<byte> destination)
    {
        request.TransferId.TryWriteBytes(destination, bigEndian: true, out _);
        BinaryPrimitives.WriteInt32LittleEndian(destination[16..], request.Channel);
        return 20;
    }
}
