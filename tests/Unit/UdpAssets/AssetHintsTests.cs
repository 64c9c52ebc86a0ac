using System.Buffers.Binary;
using CsCheck;
using GlobalCache.Client.Assets;
using GlobalCache.Client.Lludp;
using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy.Assets;
using GlobalCache.Tests.TestGrid;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>What messages name is found, in recorded traffic and in bodies made here, and nothing cut off or odd does harm.</summary>
public sealed class AssetHintsTests
{
    private const byte Volume = 9;

    public static TheoryData<string> Recordings => [.. Recording.Names];

    /// <summary>Every kind of body there is, with what it names.</summary>
    private static readonly (Message Message, byte[] Body, (AssetType, Guid)[] Names)[] s_all =
    [
        (Message.PreloadSound, [2, .. Ids(91, 92, 1), .. Ids(91, 92, 2)], [(AssetType.Sound, Id(1)), (AssetType.Sound, Id(2))]),
        (Message.SoundTrigger, [.. Ids(1, 91, 92, 93), .. new byte[24]], [(AssetType.Sound, Id(1))]),
        (Message.AttachedSound, [.. Ids(1, 91, 92), .. new byte[5]], [(AssetType.Sound, Id(1))]),
        (Message.AttachedSound, new byte[53], []),
        (Message.AvatarAnimation, [.. Ids(90), 2, .. Ids(1), .. new byte[4], .. Ids(2), .. new byte[4], 1, .. Ids(94), 0],
            [(AssetType.Animation, Id(1)), (AssetType.Animation, Id(2))]),
        (Message.ObjectAnimation, [.. Ids(90), 1, .. Ids(1), .. new byte[4]], [(AssetType.Animation, Id(1))]),
        (Message.RegionHandshake, [.. new byte[5], 3, 1, 2, 3, .. new byte[41], .. Ids(0, 0, 0, 0, 1, 2, 3, 4), .. new byte[60]],
            [.. Enumerable.Range(1, 4).Select(i => (AssetType.Texture, Id(i)))]),
        (Message.ObjectUpdate, Objects(Update(Volume, Faces(1, 2), Extra(), 3), Update(Volume, Faces(4), [], 0)),
            [(AssetType.Texture, Id(1)), (AssetType.Texture, Id(2)), .. ExtraNames, (AssetType.Sound, Id(3)), (AssetType.Texture, Id(4))]),
        (Message.ObjectUpdate, Objects(Update(code: 47, Faces(1, 2), [], 0)), []),
        (Message.ObjectUpdateCompressed, Objects(Packed(0), Packed(0x3FF & ~0x40u), Packed(0x3FF & ~0x42u)),
            [(AssetType.Texture, Id(1)), (AssetType.Texture, Id(2)), .. ExtraNames,
                (AssetType.Texture, Id(1)), (AssetType.Texture, Id(2)), .. ExtraNames, (AssetType.Sound, Id(3)),
                (AssetType.Texture, Id(1)), (AssetType.Texture, Id(2)), .. ExtraNames, (AssetType.Sound, Id(3))]),
        (Message.ImprovedTerseObjectUpdate, Objects(Terse(avatar: 0, Faces(1, 2)), Terse(avatar: 1, Faces(5)), Terse(avatar: 0, [])),
            [(AssetType.Texture, Id(1)), (AssetType.Texture, Id(2))]),
    ];

    private static (AssetType, Guid)[] ExtraNames => [(AssetType.Texture, Id(11)), (AssetType.Mesh, Id(12)), (AssetType.Texture, Id(13))];

    [Fact]
    public void Every_message_s_names_are_found()
    {
        foreach ((Message message, byte[] body, (AssetType, Guid)[] names) in s_all)
        {
            Assert.True(AssetHints.MayName(message));
            Assert.Equal(names, Find(message, body));
        }
    }

    [Fact]
    public void Cut_off_anywhere_they_name_a_beginning_of_it()
    {
        foreach ((Message message, byte[] body, (AssetType, Guid)[] names) in s_all)
        {
            for (int length = 0; length < body.Length; length++)
            {
                (AssetType, Guid)[] found = Find(message, body[..length]);
                Assert.Equal(names[..found.Length], found);
            }
        }
    }

    [Fact]
    public void Any_bytes_do_no_harm() =>
        Gen.Select(Gen.Int[0, s_all.Length - 1], Gen.Byte.Array[0, 40], Gen.Int[0, 400]).Sample((index, noise, at) =>
        {
            var sample = s_all[index];
            byte[] body = [.. sample.Body];
            at = Math.Min(at, body.Length);
            noise = noise[..Math.Min(noise.Length, body.Length - at)];
            noise.CopyTo(body, at);
            Find(sample.Message, body);
            Find(sample.Message, noise);
        }, iter: 20_000);

    [Theory]
    [MemberData(nameof(Recordings))]
    public void Recorded_traffic_names_the_terrain_and_animations_that_viewers_ship(string name)
    {
        // OpenSimulator's four default terrain textures; the recordings have no other object than avatars.
        Guid[] terrain =
        [
            new("b8d3965a-ad78-bf43-699b-bff8eca6c975"), new("abb783e6-3e93-26c0-248a-247666855da3"),
            new("179cdabd-398a-9b6b-1391-4dc333ba321f"), new("beb169c7-11ea-fff2-efe5-0f24dc881df2"),
        ];
        var assets = new CaughtAssets();
        int messages = 0;
        Span<byte> scratch = new byte[ZeroCode.MaxExpanded];
        foreach (RecordedPacket packet in new Recording(name).Packets.Where(p => !p.FromViewer))
        {
            Assert.True(Datagram.TryRead([.. packet.Wire], packet.Wire.Length, out Datagram datagram));
            if (AssetHints.MayName(datagram.Message))
            {
                messages++;
                Assert.True(datagram.TryOpen(scratch, out ReadOnlySpan<byte> body));
                AssetHints.Find(datagram.Message, body, assets);
            }
        }

        Assert.True(messages >= 4);
        Assert.Equal(terrain.ToHashSet(), assets.Hints.Where(h => h.Type == AssetType.Texture).Select(h => h.Id).ToHashSet());
        Assert.All(assets.Hints.Where(h => h.Type == AssetType.Animation), h => Assert.True(BuiltInAnimations.Contain(h.Id)));
        Assert.Contains(assets.Hints, h => h.Type == AssetType.Animation);
    }

    [Fact]
    public void Reading_allocates_nothing()
    {
        var assets = new CaughtAssets();
        foreach (int round in (int[])[0, 1])
        {
            assets.Hints.Clear();
            assets.Hints.EnsureCapacity(1000);
            long before = GC.GetAllocatedBytesForCurrentThread();
            foreach ((Message message, byte[] body, _) in s_all)
            {
                AssetHints.Find(message, body, assets);
            }

            Assert.True(round == 0 || GC.GetAllocatedBytesForCurrentThread() == before);
        }
    }

    private static (AssetType, Guid)[] Find(Message message, byte[] body)
    {
        var assets = new CaughtAssets();
        AssetHints.Find(message, body, assets);
        return [.. assets.Hints];
    }

    private static Guid Id(int number) => number == 0 ? Guid.Empty : new Guid(number, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);

    private static byte[] Ids(params int[] numbers) => [.. numbers.SelectMany(n => Id(n).ToByteArray(bigEndian: true))];

    private static byte[] U32(int value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return bytes;
    }

    private static byte[] Var2(byte[] field) => [.. U32(field.Length)[..2], .. field];

    private static byte[] Var4(byte[] field) => [.. U32(field.Length), .. field];

    /// <summary>A TextureEntry: the first texture on all faces, each further one on two of its own, and the other fields' defaults.</summary>
    private static byte[] Faces(int first, params int[] others) =>
        [.. Ids(first), .. others.SelectMany(o => (byte[])[0x81, 0x02, .. Ids(o)]), 0, .. new byte[40]];

    private static byte[] Extra() =>
    [
        6,
        0x10, 0, .. Var4(new byte[16]),                             // flexible
        0x30, 0, .. Var4([.. Ids(11), 1]),                          // a sculpt texture
        0x30, 0, .. Var4([.. Ids(12), 5]),                          // a mesh
        0x30, 0, .. Var4([.. Ids(14), 6]),                          // no asset of ours
        0x40, 0, .. Var4([.. Ids(13), .. new byte[12]]),            // a light's picture
        0x80, 0, .. Var4([1, 0, .. Ids(15)]),                       // a material
    ];

    private static byte[] Objects(params byte[][] objects) => [.. new byte[10], (byte)objects.Length, .. objects.SelectMany(o => o)];

    private static byte[] Update(byte code, byte[] faces, byte[] extra, int sound) =>
    [
        .. new byte[25], code, .. new byte[14], 2, 7, 7, .. new byte[31], .. Var2(faces), 1, 7, .. Var2([7, 7]), .. Var2([7]), 1, 7,
        .. new byte[4], 1, 7, 1, 7, (byte)extra.Length, .. extra, .. Ids(sound), .. new byte[50],
    ];

    private static byte[] Packed(uint flags) =>
    [
        .. new byte[4],
        .. Var2(
        [
            .. new byte[20], Volume, .. new byte[43], .. U32((int)flags), .. Ids(90),
            .. Present(flags, 0x80, new byte[12]), .. Present(flags, 0x20, new byte[4]),
            .. (flags & 2) != 0 ? [7] : Present(flags, 1, Var4([7, 7, 7])),
            .. Present(flags, 4, [.. "text\0"u8, 1, 2, 3, 4]), .. Present(flags, 0x200, [.. "http://\0"u8]), .. Present(flags, 8, new byte[86]),
            .. Extra(), .. Present(flags, 0x10, [.. Ids(3), .. new byte[9]]), .. Present(flags, 0x100, [.. "name\0"u8]),
            .. new byte[23], .. Var4(Faces(1, 2)),
        ]),
    ];

    private static byte[] Present(uint flags, uint flag, byte[] field) => (flags & flag) != 0 ? field : [];

    private static byte[] Terse(byte avatar, byte[] faces) =>
        [44, .. new byte[5], avatar, .. new byte[38], .. Var2(faces.Length == 0 ? [] : Var4(faces))];
}
