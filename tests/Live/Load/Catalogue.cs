using System.Collections.Concurrent;
using System.Security.Cryptography;
using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Synthetic;
using GlobalCache.TestGrid.Viewer;

namespace GlobalCache.Live.Load;

/// <summary>
/// What a virtual world holds, and how often each of it is looked at: textures, meshes, sounds and animations in the shares and sizes of a furnished place (as
/// <see cref="SyntheticScene"/>), the popular ones as Zipf's law has it. Bytes are made when somebody asks for them.
/// </summary>
internal sealed class Catalogue
{
    /// <summary>How much less often the second is asked for than the first, as a power.</summary>
    public const double Exponent = 0.9;

    private readonly string _world;
    private readonly double[] _upTo;
    private readonly ConcurrentDictionary<int, byte[]> _digests = [];

    public Catalogue(string world, int count)
    {
        (_world, _upTo) = (world, new double[count]);
        double sum = 0;
        for (int i = 0; i < count; i++) _upTo[i] = sum += Math.Pow(i + 1, -Exponent);
        for (int i = 0; i < count; i++) _upTo[i] /= sum;
    }

    public int Count => _upTo.Length;

    public int Any(Random dice)
    {
        int at = Array.BinarySearch(_upTo, dice.NextDouble());
        return Math.Min(Count - 1, at < 0 ? ~at : at);
    }

    public AssetKey KeyOf(int number)
    {
        (AssetType type, int code) = TypeOf(number);
        return new AssetKey(_world, type, SyntheticScene.Id(70, code, number));
    }

    /// <summary>The world's own answer.</summary>
    public static byte[] BytesOf(int number)
    {
        double share = number * 0.6180339887498949 % 1;
        int Between(int least, int most) => (int)(least * Math.Pow((double)most / least, share));
        return TypeOf(number).Type switch
        {
            AssetType.Mesh => SyntheticAssets.Mesh(number, Between(10_000, 300_000)),
            AssetType.Sound => SyntheticAssets.Sound(number, Between(20_000, 200_000)),
            AssetType.Animation => SyntheticAssets.Animation(number, 1 + (number % 60)),
            _ => SyntheticAssets.Texture(number, Between(8_000, 256_000), 512, 512),
        };
    }

    public bool IsRight(int number, byte[] bytes) => SHA256.HashData(bytes).AsSpan().SequenceEqual(_digests.GetOrAdd(number, static n => SHA256.HashData(BytesOf(n))));

    // Of twenty: sixteen textures, two meshes, a sound, an animation.
    private static (AssetType Type, int Code) TypeOf(int number) => (number % 20) switch
    {
        3 or 11 => (AssetType.Mesh, 49),
        7 => (AssetType.Sound, 1),
        15 => (AssetType.Animation, 20),
        _ => (AssetType.Texture, 0),
    };
}
