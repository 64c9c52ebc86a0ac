using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace GlobalCache.TestGrid.Synthetic;

/// <summary>
/// Assets of a wanted size, the same for the same arguments everywhere: structurally valid by this writer, which shares no code
/// with the validators it is used to test. Nobody hears or sees anything sensible in them.
/// </summary>
public static class SyntheticAssets
{
    /// <summary>A J2C codestream of exactly <paramref name="bytes"/> bytes (at least 200): one tile-part of stated or open length, or several.</summary>
    public static byte[] Texture(int seed, int bytes, int width, int height)
    {
        var random = new Random(seed);
        var file = new Writer(Math.Max(bytes, 200));
        int components = 3 + (seed & 1);
        file.U16(0xFF4F).U16(0xFF51).U16(38 + (3 * components)).U16(0).U32(width).U32(height).U32(0).U32(0)
            .U32(width).U32(height).U32(0).U32(0).U16(components);
        for (int i = 0; i < components; i++) file.U8(7).U8(1).U8(1);
        file.U16(0xFF52).U16(12).U8(0).U8(0).U16(1).U8(1).U8(5).U8(4).U8(4).U8(0).U8(1);
        file.U16(0xFF5C).U16(4 + (3 * 5)).U8(0x40);
        for (int i = 0; i < 16; i++) file.U8(8 + i);

        int parts = file.Left > 4000 && seed % 3 == 1 ? 4 : 1;
        for (int part = 0; part < parts; part++)
        {
            bool last = part == parts - 1;
            int length = last ? file.Left - 2 : file.Left / (parts - part);
            file.U16(0xFF90).U16(10).U16(0).U32(last && seed % 3 == 2 ? 0 : length).U8(part).U8(parts).U16(0xFF93);
            // Coded data holds no byte FF here, so no marker either.
            foreach (ref byte b in file.Take(length - 14)) b = (byte)random.Next(255);
        }
        return file.U16(0xFFD9).Done();
    }

    /// <summary>An OGG Vorbis stream of exactly <paramref name="bytes"/> bytes (at least 200) in pages of some 4 KB.</summary>
    public static byte[] Sound(int seed, int bytes)
    {
        var random = new Random(seed);
        var file = new Writer(Math.Max(bytes, 200));
        uint serial = (uint)random.Next();
        var identification = new Writer(30);
        identification.Text("\u0001vorbis").U32(0).U8(1 + (seed & 1)).U32Little(44100).U32(0).U32Little(48000).U32(0).U8(0xB8).U8(1);
        WritePage(file.Take(27 + 1 + 30), serial, 0, flags: 2, identification.Done());
        WritePage(file.Take(27 + 1 + 40), serial, 1, flags: 0, Encoding.Latin1.GetBytes("\u0003vorbis" + new string('-', 33)));
        for (uint number = 2; file.Left > 0; number++)
        {
            const int full = 27 + 17 + 4096;
            bool last = file.Left < full + 28;
            Span<byte> page = file.Take(last ? file.Left : full);
            var body = new byte[page.Length - 27 - ((page.Length - 27) / 256) - 1];
            random.NextBytes(body);
            WritePage(page, serial, number, flags: last ? 4 : 0, body);
        }
        return file.Done();
    }

    /// <summary>A key-frame motion with <paramref name="joints"/> joints (1 – 216) of a few keys each, some with a constraint.</summary>
    public static byte[] Animation(int seed, int joints)
    {
        var random = new Random(seed);
        var file = new Writer(1 << 20);
        file.U16Little(1).U16Little(0).U32Little(3).F32(random.NextSingle() * 60).U8(0).F32(0).F32(1).U32Little(1).F32(0.3f).F32(0.3f).U32Little(0);
        file.U32Little(joints);
        for (int joint = 0; joint < joints; joint++)
        {
            file.Text("mJoint" + joint).U8(0).U32Little(3);
            int rotations = random.Next(1, 30), positions = random.Next(0, 10);
            file.U32Little(rotations);
            random.NextBytes(file.Take(8 * rotations));
            file.U32Little(positions);
            random.NextBytes(file.Take(8 * positions));
        }
        int constraints = seed % 3;
        file.U32Little(constraints);
        for (int constraint = 0; constraint < constraints; constraint++)
        {
            file.U8(1).U8(0).Text("mPelvis---------");
            for (int i = 0; i < 3; i++) file.F32(random.NextSingle());
            file.Text("mHead-----------");
            for (int i = 0; i < 10; i++) file.F32(random.NextSingle());
        }
        return file.Written();
    }

    /// <summary>A mesh of exactly <paramref name="bytes"/> bytes (at least 800): four levels of detail and a physics shape.</summary>
    public static byte[] Mesh(int seed, int bytes)
    {
        var random = new Random(seed);
        (string Name, byte[] Data)[] blocks =
        [
            ("lowest_lod", Deflate(random, 60)), ("low_lod", Deflate(random, Math.Min(400, bytes / 16))),
            ("medium_lod", Deflate(random, Math.Min(20_000, bytes / 8))), ("physics_convex", Deflate(random, 80)), ("high_lod", []),
        ];
        int before = blocks.Sum(b => b.Data.Length);
        // The map's length does not depend on the numbers in it, so the last block takes exactly what is left.
        int header = MeshHeader(blocks, seed).Length;
        blocks[^1].Data = Stored(random, Math.Max(bytes, 800) - header - before);
        return [.. MeshHeader(blocks, seed), .. blocks.SelectMany(b => b.Data)];
    }

    private static byte[] MeshHeader((string Name, byte[] Data)[] blocks, int seed)
    {
        var file = new Writer(1024);
        if ((seed & 1) == 0) file.Text("<? LLSD/Binary ?>\n");
        file.U8('{').U32(blocks.Length + 1).Key("version").U8('i').U32(1);
        int offset = 0;
        foreach ((string name, byte[] data) in blocks)
        {
            file.Key(name).U8('{').U32(2).Key("offset").U8('i').U32(offset).Key("size").U8('i').U32(data.Length).U8('}');
            offset += data.Length;
        }
        return file.U8('}').Written();
    }

    /// <summary>Compressible noise through a real compressor.</summary>
    private static byte[] Deflate(Random random, int plain)
    {
        var data = new byte[plain];
        foreach (ref byte b in data.AsSpan()) b = (byte)random.Next(20);
        using var target = new MemoryStream();
        using (var zlib = new ZLibStream(target, CompressionLevel.Fastest)) zlib.Write(data);
        return target.ToArray();
    }

    /// <summary>A zlib stream of exactly <paramref name="length"/> bytes: noise in stored blocks.</summary>
    private static byte[] Stored(Random random, int length)
    {
        var file = new Writer(length);
        file.U8(0x78).U8(0x01);
        uint a = 1, b = 0;
        // Two blocks at least, so that a block's five bytes can always be taken off whatever is left.
        for (bool last = false; !last;)
        {
            int room = file.Left - 4 - 5;
            last = room <= 65535;
            int take = last ? room : Math.Min(65535, room - 5);
            file.U8(last ? 1 : 0).U16Little(take).U16Little(~take & 0xFFFF);
            Span<byte> data = file.Take(take);
            random.NextBytes(data);
            foreach (byte value in data)
            {
                a = (a + value) % 65521;
                b = (b + a) % 65521;
            }
        }
        return file.U32((int)(b << 16 | a)).Done();
    }

    private static void WritePage(Span<byte> page, uint serial, uint number, int flags, byte[] body)
    {
        page.Clear();
        "OggS"u8.CopyTo(page);
        page[5] = (byte)flags;
        BinaryPrimitives.WriteInt64LittleEndian(page[6..], number * 1024L);
        BinaryPrimitives.WriteUInt32LittleEndian(page[14..], serial);
        BinaryPrimitives.WriteUInt32LittleEndian(page[18..], number);
        int segments = page.Length - 27 - body.Length;
        page[26] = (byte)segments;
        for (int i = 0, left = body.Length; i < segments; i++)
        {
            page[27 + i] = (byte)Math.Min(255, left);
            left -= page[27 + i];
        }
        body.CopyTo(page[(27 + segments)..]);
        uint crc = 0;
        foreach (byte b in page)
        {
            crc ^= (uint)b << 24;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 0x8000_0000) != 0 ? (crc << 1) ^ 0x04C11DB7 : crc << 1;
        }
        BinaryPrimitives.WriteUInt32LittleEndian(page[22..], crc);
    }

    /// <summary>Writes into a buffer of fixed size; big-endian unless the name says otherwise.</summary>
    private sealed class Writer(int size)
    {
        private readonly byte[] _bytes = new byte[size];
        private int _at;

        public int Left => _bytes.Length - _at;

        public Span<byte> Take(int length)
        {
            _at += length;
            return _bytes.AsSpan(_at - length, length);
        }

        public Writer U8(int value)
        {
            Take(1)[0] = (byte)value;
            return this;
        }

        public Writer U16(int value)
        {
            BinaryPrimitives.WriteUInt16BigEndian(Take(2), (ushort)value);
            return this;
        }

        public Writer U16Little(int value)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(Take(2), (ushort)value);
            return this;
        }

        public Writer U32(int value)
        {
            BinaryPrimitives.WriteInt32BigEndian(Take(4), value);
            return this;
        }

        public Writer U32Little(int value)
        {
            BinaryPrimitives.WriteInt32LittleEndian(Take(4), value);
            return this;
        }

        public Writer F32(float value)
        {
            BinaryPrimitives.WriteSingleLittleEndian(Take(4), value);
            return this;
        }

        public Writer Text(string text)
        {
            Encoding.Latin1.GetBytes(text, Take(text.Length));
            return this;
        }

        public Writer Key(string name) => U8('k').U32(name.Length).Text(name);

        /// <summary>The whole buffer, which has to be full.</summary>
        public byte[] Done() => Left == 0 ? _bytes : throw new InvalidOperationException("the writer counted wrongly");

        public byte[] Written() => _bytes[.._at];
    }
}
