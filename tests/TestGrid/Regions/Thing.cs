using GlobalCache.TestGrid.Lludp;
using GlobalCache.TestGrid.Viewer;

namespace GlobalCache.TestGrid.Regions;

/// <summary>A thing that stands in every region: who arrives is told of it, and so of the assets it is made of (PROTOCOL §6.3).</summary>
/// <param name="Textures">One to eight: of its whole, then of single faces.</param>
/// <param name="Mesh">Its shape; null: a box.</param>
/// <param name="Sound">What it sounds like; null: nothing.</param>
public sealed record Thing(IReadOnlyList<Guid> Textures, Guid? Mesh = null, Guid? Sound = null)
{
    private const int AMessage = 3;
    private const byte Volume = 9, MeshShape = 5;
    private const ushort Sculpt = 0x30;

    /// <summary>Things that are made of a scene's textures, meshes and sounds.</summary>
    public static IReadOnlyList<Thing> MadeOf(IReadOnlyList<SceneAsset> scene)
    {
        Guid[][] textures = [.. scene.Where(a => a.Type == 0).Select(a => a.Id).Chunk(3)];
        Guid[] meshes = [.. scene.Where(a => a.Type == 49).Select(a => a.Id)], sounds = [.. scene.Where(a => a.Type == 1).Select(a => a.Id)];
        return [.. Enumerable.Range(0, Math.Max(textures.Length, Math.Max(meshes.Length, sounds.Length))).Select(i => new Thing(
            i < textures.Length ? textures[i] : [Guid.Empty], i < meshes.Length ? meshes[i] : null, i < sounds.Length ? sounds[i] : null))];
    }

    /// <summary>The messages that tell an agent of things.</summary>
    internal static IEnumerable<BodyWriter> Updates(IReadOnlyList<Thing> things, ulong region)
    {
        uint local = 5000;
        foreach (Thing[] together in things.Chunk(AMessage))
        {
            BodyWriter update = new BodyWriter(Message.ObjectUpdate).U64(region).U16(0xFFFF).U8((byte)together.Length);
            foreach (Thing thing in together) thing.Write(update, local++);
            yield return update;
        }
    }

    private void Write(BodyWriter update, uint local)
    {
        update.U32(local).U8(0).Id(Guid.NewGuid()).U32(0).U8(Volume).U8(3).U8(0).Vector(0.5f, 0.5f, 0.5f);
        update.Var1(new byte[60]);                                      // position, velocity, acceleration, rotation, spin
        update.U32(0).U32(0);                                           // ParentID, UpdateFlags
        update.U8(16).U8(1).U16(0).U16(0).U8(100).U8(100).Raw(new byte[15]);
        update.Var2(Faces());
        update.Var1([]).Var2([]).Var2([]).Var1([]).U32(0).Var1([]).Var1([]);
        update.Var1(Extra());
        update.Id(Sound ?? Guid.Empty).Id(Guid.Empty).F32(1).U8(0).F32(20).U8(0).Vector(0, 0, 0).Vector(0, 0, 0);
    }

    /// <summary>TextureEntry: a default, then faces by bit, then a zero; so for every property.</summary>
    private byte[] Faces()
    {
        List<byte> entry = [.. Textures[0].ToByteArray(bigEndian: true)];
        for (int face = 1; face < Textures.Count; face++) entry.AddRange([(byte)(1 << (face - 1)), .. Textures[face].ToByteArray(bigEndian: true)]);
        int[] properties = [4, 4, 4, 2, 2, 2, 1, 1, 1];                 // colour, scale, offset, rotation, bump, media, glow
        entry.Add(0);
        foreach (int length in properties) entry.AddRange(new byte[length + 1]);
        return [.. entry];
    }

    private byte[] Extra() => Mesh is not { } mesh ? [0] : [1, (byte)Sculpt, 0, 17, 0, 0, 0, .. mesh.ToByteArray(bigEndian: true), MeshShape];
}
