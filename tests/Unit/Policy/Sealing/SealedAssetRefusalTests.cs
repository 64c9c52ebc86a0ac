using System.Buffers.Binary;
using System.Security.Cryptography;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using ZstdSharp;

namespace GlobalCache.Tests.Policy.Sealing;

/// <summary>Whatever was not sealed under this name and this key, bit by bit, is refused, and costs no memory to refuse.</summary>
public sealed class SealedAssetRefusalTests
{
    private static readonly byte[] GridKey = SealKeys.DeriveGridKey(new byte[32], "agni");
    private static readonly AssetKey Key = new("agni", AssetType.Animation, Guid.Parse("6c0ca000-0000-4000-8000-00000000002a"));

    private static byte[] Noise(int length) => RandomNumberGenerator.GetBytes(length);

    private static byte[] Seal(byte[] plain, AssetKey? key = null) => SealedAsset.Seal(key ?? Key, plain, GridKey, 1, 0, SealCompression.None);

    private static SealFault Open(byte[] blob, AssetKey? key = null) => SealedAsset.OpenWithGridKey(key ?? Key, blob, GridKey, out _);

    /// <summary>Seals any stream correctly, so that only what is in it can be wrong.</summary>
    private static byte[] Forge(byte[] stream, AssetKey? key = null, int? statedLength = null)
    {
        byte[] encoded = (key ?? Key).Encode(), salt = Noise(32), contentKey = new byte[32], encryptionKey = new byte[32];
        SealedLayout layout = new(stream.Length);
        byte[] blob = new byte[layout.SealedLength];
        SealKeys.DeriveContentKey(GridKey, salt, encoded, contentKey);
        SealKeys.DeriveEncryptionKey(contentKey, encryptionKey);
        SealedHeader header = SealedHeader.Write(blob, 1, 0, statedLength ?? layout.SealedLength, salt, contentKey);
        using SegmentCipher cipher = new(encryptionKey, SegmentCipher.AssociatedData(header, encoded));
        for (int i = 0; i < layout.SegmentCount; i++)
        {
            cipher.Seal(i, i == layout.SegmentCount - 1, stream.AsSpan(i * SealedLayout.SegmentBytes, layout.StreamBytesOf(i)),
                blob.AsSpan(SealedLayout.SealedOffsetOf(i), layout.StreamBytesOf(i) + SealedLayout.TagBytes));
        }
        return blob;
    }

    private static byte[] Stream(SealCodec codec, int plainLength, byte[] coded, byte[] digest, int? streamLength = null)
    {
        byte[] stream = new byte[streamLength ?? Padme.Round(InnerHeader.Length + coded.Length)];
        new InnerHeader(codec, plainLength, coded.Length).Write(stream, digest);
        coded.CopyTo(stream, InnerHeader.Length);
        return stream;
    }

    private static byte[] RawStream(byte[] plain, int? streamLength = null) =>
        Stream(SealCodec.Raw, plain.Length, plain, SHA256.HashData(plain), streamLength);

    [Theory]
    [InlineData(1)]
    [InlineData(150)]
    public void Every_single_flipped_bit_is_refused(int length)
    {
        byte[] blob = Seal(Noise(length));
        SealedHeader.Read(blob, out SealedHeader header);
        byte[] contentKey = new byte[32];
        SealKeys.DeriveContentKey(GridKey, header.Salt, Key.Encode(), contentKey);
        for (int bit = 0; bit < blob.Length * 8; bit++)
        {
            blob[bit / 8] ^= (byte)(1 << bit % 8);
            Assert.NotEqual(SealFault.None, SealedAsset.Open(Key, blob, contentKey, out byte[] plain));
            Assert.Empty(plain);
            Assert.NotEqual(SealFault.None, Open(blob));
            Assert.NotEqual(SealFault.None, SealedAsset.OpenRange(Key, blob, contentKey, 0, new byte[1]));
            blob[bit / 8] ^= (byte)(1 << bit % 8);
        }
        Assert.Equal(SealFault.None, Open(blob));
    }

    [Fact]
    public void A_flipped_bit_in_any_segment_of_a_longer_asset_is_refused()
    {
        byte[] blob = Seal(Noise(70_000));
        for (int at = 84; at < blob.Length; at += 499)
        {
            blob[at] ^= 0x10;
            Assert.Equal(SealFault.Tag, Open(blob));
            blob[at] ^= 0x10;
        }
    }

    [Fact]
    public void Swapped_dropped_and_repeated_segments_are_refused()
    {
        byte[] blob = Seal(Noise(60_000));
        byte[] Segment(int i) => blob[SealedLayout.SealedOffsetOf(i)..Math.Min(SealedLayout.SealedOffsetOf(i + 1), blob.Length)];
        byte[] head = blob[..84];
        byte[][] all = [.. Enumerable.Range(0, 4).Select(Segment)];
        Assert.Equal(SealFault.None, Open([.. head, .. all[0], .. all[1], .. all[2], .. all[3]]));
        Assert.Equal(SealFault.Tag, Open([.. head, .. all[0], .. all[2], .. all[1], .. all[3]]));
        Assert.Equal(SealFault.Tag, Open([.. head, .. all[0], .. all[1], .. all[1], .. all[3]]));
        // Dropped, as it is and with a header that states the shorter length.
        foreach (byte[][] kept in (byte[][][])[[all[0], all[1], all[2]], [all[0], all[1], all[3]], [all[1], all[2], all[3]]])
        {
            byte[] shorter = [.. head, .. kept.SelectMany(s => s)];
            Assert.Equal(SealFault.Length, Open(shorter));
            BinaryPrimitives.WriteInt32LittleEndian(shorter.AsSpan(16), shorter.Length);
            Assert.Equal(SealFault.Tag, Open(shorter));
        }
    }

    [Fact]
    public void Every_truncation_and_any_appended_byte_is_refused()
    {
        byte[] blob = Seal(Noise(300));
        for (int length = 0; length < blob.Length; length++)
        {
            byte[] cut = blob[..length];
            Assert.Equal(SealFault.Length, Open(cut));
            if (length < 20) continue;
            BinaryPrimitives.WriteInt32LittleEndian(cut.AsSpan(16), length);
            Assert.NotEqual(SealFault.None, Open(cut));
        }
        Assert.Equal(SealFault.Length, Open([.. blob, 0]));
    }

    [Fact]
    public void A_transplanted_header_is_refused()
    {
        byte[] one = Seal(Noise(300)), two = Seal(Noise(300));
        Assert.Equal(SealFault.Tag, Open([.. one[..84], .. two[84..]]));
        // Salt of one, commitment of the other.
        Assert.Equal(SealFault.Commitment, Open([.. one[..52], .. two[52..]]));
    }

    [Fact]
    public void Under_another_name_or_another_key_it_is_refused()
    {
        byte[] blob = Seal(Noise(300));
        Assert.Equal(SealFault.Commitment, Open(blob, Key with { Id = Guid.Empty }));
        Assert.Equal(SealFault.Commitment, Open(blob, Key with { Type = AssetType.Sound }));
        Assert.Equal(SealFault.Commitment, Open(blob, Key with { GridId = "other" }));
        byte[] otherGrid = SealKeys.DeriveGridKey(new byte[32], "other");
        Assert.Equal(SealFault.Commitment, SealedAsset.OpenWithGridKey(Key, blob, otherGrid, out _));
        // The right K_asset, but asked for under another name: the commitment holds, the tags do not.
        SealedHeader.Read(blob, out SealedHeader header);
        byte[] contentKey = new byte[32];
        SealKeys.DeriveContentKey(GridKey, header.Salt, Key.Encode(), contentKey);
        Assert.Equal(SealFault.Tag, SealedAsset.Open(Key with { Id = Guid.Empty }, blob, contentKey, out _));
    }

    [Theory]
    [InlineData(4, 2)]
    [InlineData(4, 0)]
    [InlineData(5, 2)]
    [InlineData(6, 1)]
    [InlineData(7, 128)]
    public void Unknown_versions_suites_and_flags_are_refused(int at, byte value)
    {
        byte[] blob = Seal(Noise(10));
        blob[at] = value;
        Assert.Equal(SealFault.Version, Open(blob));
    }

    [Fact]
    public void Padding_that_is_not_zero_is_refused()
    {
        byte[] stream = RawStream(Noise(1000 - 48));
        Assert.Equal(1024, stream.Length);
        Assert.Equal(SealFault.None, Open(Forge(stream)));
        foreach (int at in (int[])[1000, 1010, 1023])
        {
            stream[at] = 1;
            Assert.Equal(SealFault.Padding, Open(Forge(stream)));
            stream[at] = 0;
        }
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(1023)]
    [InlineData(1025)]
    [InlineData(1056)]
    [InlineData(20_000)]
    public void Padding_of_another_length_than_padmes_is_refused(int streamLength)
    {
        byte[] blob = Forge(RawStream(Noise(1000 - 48), streamLength));
        Assert.Equal(SealFault.Padding, Open(blob));
        SealedHeader.Read(blob, out SealedHeader header);
        byte[] contentKey = new byte[32];
        SealKeys.DeriveContentKey(GridKey, header.Salt, Key.Encode(), contentKey);
        Assert.Equal(SealFault.Padding, SealedAsset.OpenRange(Key, blob, contentKey, 0, new byte[1]));
    }

    [Fact]
    public void Impossible_inner_headers_are_refused()
    {
        byte[] good = RawStream(Noise(100));
        void Refused(Action<byte[]> spoil, SealFault fault = SealFault.InnerHeader)
        {
            byte[] stream = [.. good];
            spoil(stream);
            Assert.Equal(fault, Open(Forge(stream)));
        }
        void Write(byte[] stream, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(stream.AsSpan(at), value);
        Refused(s => s[0] = 2, SealFault.Version);                                           // codec
        Refused(s => s[1] = 1);                                                              // a dictionary, but nothing coded
        Refused(s => { s[0] = 1; s[1] = 2; Write(s, 4, 200); }, SealFault.Version);          // one that nobody knows
        Refused(s => { s[0] = 1; s[1] = 255; Write(s, 4, 200); }, SealFault.Version);
        Refused(s => s[2] = 1, SealFault.Version);
        Refused(s => s[3] = 1, SealFault.Version);
        Refused(s => s[12] = 1, SealFault.Version);                                          // reserved
        Refused(s => { Write(s, 4, 0); Write(s, 8, 0); });                                   // plainLength 0
        Refused(s => Write(s, 4, 0));
        Refused(s => Write(s, 8, 0));
        Refused(s => Write(s, 4, 101));                                                      // raw, but of two lengths
        Refused(s => { Write(s, 4, uint.MaxValue); Write(s, 8, uint.MaxValue); });
        Refused(s => { Write(s, 4, 0x80000000); Write(s, 8, 0x80000000); });
        Refused(s => { Write(s, 4, (1 << 20) + 1); Write(s, 8, (1 << 20) + 1); });           // above the type's cap
        Refused(s => { s[0] = 1; Write(s, 4, (1 << 20) + 1); });
        Refused(s => { s[0] = 1; Write(s, 4, 100); });                                       // "compressed" to more
    }

    [Fact]
    public void A_frame_with_another_dictionary_than_it_was_written_with_is_refused()
    {
        byte[] plain = System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(1, 9).Select(i => $"mHandIndex{i % 3}Left mShoulderRight mHindLimb{i % 4}Right mFaceTeethLower ")));
        using Compressor compressor = new(3);
        compressor.LoadDictionary(SealDictionaries.Read(SealDictionaries.Animation1));
        compressor.SetParameter(ZstdSharp.Unsafe.ZSTD_cParameter.ZSTD_c_dictIDFlag, 0);
        byte[] stream = Stream(SealCodec.Zstd, plain.Length, compressor.Wrap(plain).ToArray(), SHA256.HashData(plain));
        Assert.Equal(SealFault.Compression, Open(Forge(stream)));
        stream[1] = SealDictionaries.Animation1;
        Assert.Equal(SealFault.None, Open(Forge(stream)));
    }

    [Fact]
    public void A_wrong_digest_is_refused()
    {
        byte[] plain = Noise(100);
        Assert.Equal(SealFault.Digest, Open(Forge(Stream(SealCodec.Raw, 100, plain, SHA256.HashData(Noise(100))))));
    }

    [Fact]
    public void Lengths_no_asset_can_have_are_refused_before_anything_is_allocated()
    {
        byte[] blob = Seal(Noise(300)), contentKey = new byte[32];
        Assert.Equal(SealFault.None, Open(blob));
        foreach (int stated in (int[])[0, 1, 84, 100, 148, 149, -1, int.MinValue, int.MaxValue, 1 << 30, blob.Length + 1, blob.Length - 1])
        {
            BinaryPrimitives.WriteInt32LittleEndian(blob.AsSpan(16), stated);
            long before = GC.GetAllocatedBytesForCurrentThread();
            SealFault fault = SealedAsset.Open(Key, blob, contentKey, out _);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.Equal(SealFault.Length, fault);
            Assert.Equal(0, allocated);
        }
    }

    [Fact]
    public void What_is_larger_than_its_type_may_be_is_refused_before_anything_is_allocated()
    {
        // Sealed correctly as a mesh's bytes, asked for as an animation of at most 1 MiB.
        byte[] blob = Seal(Noise(2 << 20), Key with { Type = AssetType.Mesh }), contentKey = new byte[32];
        long before = GC.GetAllocatedBytesForCurrentThread();
        SealFault fault = SealedAsset.Open(Key, blob, contentKey, out _);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(SealFault.TooLarge, fault);
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void A_decompression_bomb_is_refused_and_allocates_no_more_than_it_states()
    {
        using Compressor compressor = new(3);
        byte[] bomb = compressor.Wrap(new byte[64 << 20]).ToArray(), digest = SHA256.HashData(new byte[1]);
        // The inner header states 20 000 bytes, the frame holds 64 MiB, and says so or is made to lie.
        byte[] honest = Forge(Stream(SealCodec.Zstd, 20_000, bomb, digest));
        byte[] liar = [.. bomb];
        Assert.Equal(0x80, liar[4] & 0xE0);            // content size in four bytes behind the window byte
        BinaryPrimitives.WriteInt32LittleEndian(liar.AsSpan(6), 20_000);
        byte[] lying = Forge(Stream(SealCodec.Zstd, 20_000, liar, digest));
        foreach (byte[] blob in (byte[][])[honest, lying])
        {
            Open(blob);                                 // warm-up: pools and code
            long before = GC.GetAllocatedBytesForCurrentThread();
            SealFault fault = Open(blob);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.Equal(SealFault.Compression, fault);
            Assert.InRange(allocated, 0, blob.Length + 20_000 + 8_192);
        }
    }

    [Fact]
    public void Frames_that_are_not_exactly_one_of_ours_are_refused()
    {
        using Compressor compressor = new(3);
        byte[] plain = new byte[9000], frame = compressor.Wrap(plain).ToArray(), digest = SHA256.HashData(plain);
        SealFault Try(byte[] coded) => Open(Forge(Stream(SealCodec.Zstd, plain.Length, coded, digest)));
        Assert.Equal(SealFault.None, Try(frame));
        Assert.Equal(SealFault.Compression, Try([.. frame, 0]));
        Assert.Equal(SealFault.Compression, Try([.. frame, .. frame]));
        Assert.Equal(SealFault.Compression, Try([0x50, 0x2A, 0x4D, 0x18, 0, 0, 0, 0, .. frame]));      // skippable frame first
        for (int cut = 1; cut < frame.Length; cut++) Assert.Equal(SealFault.Compression, Try(frame[..cut]));
        for (int bit = 0; bit < 8 * frame.Length; bit++)
        {
            byte[] flipped = [.. frame];
            flipped[bit / 8] ^= (byte)(1 << bit % 8);
            // zstd has bits that mean nothing: then the bytes are the right ones, and nothing else passes.
            byte[] blob = Forge(Stream(SealCodec.Zstd, plain.Length, flipped, digest));
            if (SealedAsset.OpenWithGridKey(Key, blob, GridKey, out byte[] opened) == SealFault.None) Assert.Equal(plain, opened);
        }
    }

    [Theory]
    [InlineData(13 << 3, SealFault.None)]                      // 8 MiB
    [InlineData((13 << 3) + 1, SealFault.Compression)]         // 9 MiB
    [InlineData(14 << 3, SealFault.Compression)]
    [InlineData(31 << 3, SealFault.Compression)]
    public void A_window_above_8_MiB_is_refused(byte window, SealFault expected)
    {
        byte[] plain = new byte[1000];
        // A frame by hand (RFC 8878): two bytes of content size, a window, one last RLE block of 1 000 zeros.
        byte[] frame = [0x28, 0xB5, 0x2F, 0xFD, 0x40, window, (1000 - 256) & 255, (1000 - 256) >> 8, 1 | 1 << 1 | (1000 << 3 & 255), 1000 >> 5, 0, 0];
        Assert.Equal(expected, Open(Forge(Stream(SealCodec.Zstd, 1000, frame, SHA256.HashData(plain)))));
    }

    [Fact]
    public void Random_bytes_never_open_and_never_throw()
    {
        for (int i = 0; i < 2000; i++)
        {
            byte[] blob = Noise(i);
            if (i % 3 == 0 && i >= 20)
            {
                "GCA1\u0001\u0001\0\0"u8.CopyTo(blob);
                BinaryPrimitives.WriteInt32LittleEndian(blob.AsSpan(16), i);
            }
            Assert.NotEqual(SealFault.None, Open(blob));
        }
    }
}
