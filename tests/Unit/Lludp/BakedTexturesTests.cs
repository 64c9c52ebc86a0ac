using System.Buffers.Binary;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Tests.Lludp;

public sealed class BakedTexturesTests
{
    private static readonly Guid s_default = new("c228d1cf-4b5d-4ba8-84f4-899a0796aa97");

    [Fact]
    public void AvatarAppearance_names_the_textures_of_baked_faces_only()
    {
        Guid head = Id(1), upper = Id(2), universal = Id(3), hair = Id(4);
        byte[] entry = Entry(s_default, (1UL << 8, head), (1UL << 9 | 1UL << 3, upper), (1UL << 44, universal), (1UL << 0, Id(99)), (1UL << 20, hair));
        Assert.Equal([head, upper, universal, hair], Find(Message.AvatarAppearance, [.. new byte[17], .. entry, 0, 0]).Order());
    }

    [Fact]
    public void A_face_without_a_texture_of_its_own_has_the_entrys_default()
    {
        Assert.Equal([Id(7)], Find(Message.AvatarAppearance, [.. new byte[17], .. Entry(Id(7), (1UL << 8, s_default))]));
        Assert.Empty(Find(Message.AvatarAppearance, [.. new byte[17], .. Entry(s_default)]));
        Assert.Empty(Find(Message.AvatarAppearance, [.. new byte[17], .. Entry(Guid.Empty)]));
    }

    [Fact]
    public void Every_baked_face_counts()
    {
        int[] faces = [8, 9, 10, 11, 19, 20, 40, 41, 42, 43, 44];
        (ulong, Guid)[] groups = [.. Enumerable.Range(0, 45).Select(f => (1UL << f, Id(100 + f)))];
        Assert.Equal(faces.Select(f => Id(100 + f)), Find(Message.AvatarAppearance, [.. new byte[17], .. Entry(s_default, groups)]).Order());
    }

    [Fact]
    public void AgentSetAppearance_is_read_behind_its_wearables()
    {
        byte[] body = [.. new byte[48], 2, .. new byte[34], .. Entry(s_default, (1UL << 10, Id(5))), 0];
        Assert.Equal([Id(5)], Find(Message.AgentSetAppearance, body));
    }

    [Fact]
    public void Cached_textures_rebakes_and_bake_requests_are_named()
    {
        byte[] cached = [.. new byte[36], 3, .. Bytes(Id(1)), 0, 2, (byte)'h', 0, .. Bytes(Guid.Empty), 1, 0, .. Bytes(Id(2)), 2, 0];
        Assert.Equal([Id(1), Id(2)], Find(Message.AgentCachedTextureResponse, cached));
        Assert.Equal([Id(3)], Find(Message.RebakeAvatarTextures, Bytes(Id(3))));
        byte[] request = [.. new byte[32], 3, .. Block(Id(1), 0), .. Block(Id(2), 1), .. Block(Id(3), 0)];
        Assert.Equal([Id(2)], Find(Message.RequestImage, request));
    }

    [Fact]
    public void What_is_cut_short_is_read_as_far_as_it_goes()
    {
        byte[] appearance = [.. new byte[17], .. Entry(s_default, (1UL << 8, Id(1)), (1UL << 44, Id(2)))];
        byte[] request = [.. new byte[32], 3, .. Block(Id(1), 1), .. Block(Id(2), 1)];
        byte[] cached = [.. new byte[36], 9, .. Bytes(Id(1)), 0, 200, 1];
        byte[] set = [.. new byte[48], 255, .. new byte[100]];
        foreach ((Message message, byte[] body) in new[]
            { (Message.AvatarAppearance, appearance), (Message.RequestImage, request), (Message.AgentCachedTextureResponse, cached), (Message.AgentSetAppearance, set) })
        {
            for (int length = 0; length <= body.Length; length++)
            {
                Assert.InRange(Find(message, body[..length]).Count, 0, 2);
            }
        }

        Assert.Equal([Id(1), Id(2)], Find(Message.AvatarAppearance, appearance).Order());
        Assert.Equal([Id(1)], Find(Message.AvatarAppearance, appearance[..^7]));
    }

    private static Guid Id(int number) => new(number, 0, 0, new byte[8]);

    private static byte[] Bytes(Guid id)
    {
        byte[] bytes = new byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return bytes;
    }

    private static byte[] Block(Guid id, byte type) => [.. Bytes(id), 0, .. new byte[8], type];

    private static byte[] Entry(Guid all, params (ulong Mask, Guid Texture)[] groups)
    {
        List<byte> field = [.. Bytes(all)];
        foreach ((ulong mask, Guid texture) in groups)
        {
            var digits = new Stack<byte>();
            for (ulong rest = mask; rest != 0 || digits.Count == 0; rest >>= 7)
            {
                digits.Push((byte)(rest & 0x7F | (digits.Count > 0 ? 0x80u : 0)));
            }

            field.AddRange(digits);
            field.AddRange(Bytes(texture));
        }

        field.AddRange([0, 0xFF, 0xFF, 0xFF, 0xFF, 0]);     // end of the first field, then colours
        byte[] length = new byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)field.Count);
        return [.. length, .. field];
    }

    private static List<Guid> Find(Message message, byte[] body)
    {
        Assert.True(BakedTextures.MayName(message));
        var found = new List<Guid>();
        BakedTextures.Find(message, body, found.Add);
        return found;
    }
}
