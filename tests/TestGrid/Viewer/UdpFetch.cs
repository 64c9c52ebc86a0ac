using System.Collections.Concurrent;
using GlobalCache.TestGrid.Lludp;

namespace GlobalCache.TestGrid.Viewer;

/// <summary>
/// Assets over a circuit, with a viewer's strictness (PROTOCOL §5.3, §6.1): a first packet that is neither 600 bytes nor the
/// whole, a middle packet that is not 1000, or a packet before its header is an <see cref="InvalidDataException"/>.
/// </summary>
internal static class UdpFetch
{
    public static void AskImage(ViewerCircuit circuit, Guid id, int discard, uint fromPacket) =>
        circuit.Send(circuit.Begin(Message.RequestImage).U8(1).Id(id).U8((byte)(sbyte)discard).F32(1_000_000).U32(fromPacket).U8(0));

    public static async Task<byte[]?> ImageAsync(
        ViewerCircuit circuit, Guid id, int discard, uint fromPacket, TimeSpan patience, CancellationToken cancelled)
    {
        var parts = new ConcurrentDictionary<int, byte[]>();
        var whole = new TaskCompletionSource<byte[]?>(TaskCreationOptions.RunContinuationsAsynchronously);
        int size = -1, packets = -1;
        using IDisposable listening = circuit.Listen(d =>
        {
            if (d.Message is not (Message.ImageData or Message.ImagePacket or Message.ImageNotInDatabase)) return;
            var body = new BodyReader(d.Body);
            if (body.Id() != id) return;
            switch (d.Message)
            {
                case Message.ImageNotInDatabase:
                    whole.TrySetResult(null);
                    return;
                case Message.ImageData:
                    body.U8();
                    (size, packets) = ((int)body.U32(), body.U16());
                    parts[0] = body.Var2().ToArray();
                    if (parts[0].Length != Math.Min(600, size)) whole.TrySetException(new InvalidDataException($"first packet of {parts[0].Length} bytes"));
                    break;
                default:
                    int number = body.U16();
                    byte[] part = body.Var2().ToArray();
                    if (packets < 0) whole.TrySetException(new InvalidDataException("a packet before its header"));
                    else if (number < packets - 1 && part.Length != 1000) whole.TrySetException(new InvalidDataException($"packet {number} of {part.Length} bytes"));
                    parts[number] = part;
                    break;
            }

            if (parts.Count != packets) return;
            byte[] bytes = [.. parts.OrderBy(p => p.Key).SelectMany(p => p.Value)];
            if (bytes.Length == size) whole.TrySetResult(bytes);
            else whole.TrySetException(new InvalidDataException($"{bytes.Length} bytes instead of {size}"));
        });
        AskImage(circuit, id, discard, fromPacket);
        return await whole.Task.WaitAsync(patience, cancelled);
    }

    public static async Task<byte[]?> TransferAsync(ViewerCircuit circuit, Guid id, int type, TimeSpan patience, CancellationToken cancelled)
    {
        var transfer = Guid.NewGuid();
        var parts = new ConcurrentDictionary<int, byte[]>();
        var whole = new TaskCompletionSource<byte[]?>(TaskCreationOptions.RunContinuationsAsynchronously);
        int size = -1, last = -1;
        using IDisposable listening = circuit.Listen(d =>
        {
            if (d.Message is not (Message.TransferInfo or Message.TransferPacket)) return;
            var body = new BodyReader(d.Body);
            if (body.Id() != transfer) return;
            body.S32();
            int number = body.S32(), status = body.S32();
            if (d.Message == Message.TransferInfo)
            {
                size = body.S32();
                if (status != 0) whole.TrySetResult(null);
            }
            else
            {
                parts[number] = body.Var2().ToArray();
                if (status == 1) last = number;
            }

            // Datagrams may overtake one another: the Info may be late, the last packet early.
            if (size < 0 || last < 0 || parts.Count != last + 1) return;
            byte[] bytes = [.. parts.OrderBy(p => p.Key).SelectMany(p => p.Value)];
            if (bytes.Length == size) whole.TrySetResult(bytes);
            else whole.TrySetException(new InvalidDataException($"{bytes.Length} bytes instead of {size}"));
        });
        circuit.Send(new BodyWriter(Message.TransferRequest).Id(transfer).S32(2).S32(2).F32(101)
            .Var2(new BodyWriter(Message.TransferRequest).Id(id).S32(type).Plain[4..]), coded: true);
        return await whole.Task.WaitAsync(patience, cancelled);
    }
}
