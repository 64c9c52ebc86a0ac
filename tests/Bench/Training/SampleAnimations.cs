using System.Text;

namespace GlobalCache.Bench.Training;

/// <summary>
/// Animations as people make them, as far as a dictionary can tell: the names of the skeleton's joints, in its order or not, few or many keys that change
/// smoothly, positions hardly ever. Nobody's own work is among them.
/// </summary>
internal static class SampleAnimations
{
    private static readonly string[] s_joints = [.. Middle(), .. Side("Left"), .. Side("Right"), .. Enumerable.Range(1, 6).Select(i => $"mTail{i}")];

    public static byte[] Make(int seed)
    {
        var random = new Random(seed);
        int most = random.GetItems([1, 3, 10, 40], 1)[0];
        var bytes = new MemoryStream();
        var writer = new BinaryWriter(bytes);
        float duration = 0.5f + (random.NextSingle() * 30);
        writer.Write((ushort)1);
        writer.Write((ushort)0);
        writer.Write(random.Next(2, 5));
        writer.Write(duration);
        Text(writer, "");
        writer.Write(0f);
        writer.Write(duration);
        writer.Write(1);
        writer.Write(0.3f);
        writer.Write(0.3f);
        writer.Write(0);
        string[] names = [.. s_joints];
        if (random.NextDouble() > 0.6) random.Shuffle(names);
        names = names[..random.Next(1, names.Length)];
        writer.Write(names.Length);
        foreach (string name in names) Joint(writer, random, name, random.Next(1, most + 1));
        writer.Write(0);
        return bytes.ToArray();
    }

    private static void Joint(BinaryWriter writer, Random random, string name, int keys)
    {
        Text(writer, name);
        writer.Write(random.Next(2, 5));
        writer.Write(keys);
        double[] phases = [random.NextDouble() * 6, random.NextDouble() * 6, random.NextDouble() * 6];
        for (int key = 0; key < keys; key++)
        {
            writer.Write(At(key, keys));
            foreach (double phase in phases) writer.Write((ushort)(32_767 + (9000 * Math.Sin(phase + (key * 0.2))) + random.Next(-60, 60)));
        }
        int positions = name == "mPelvis" && random.Next(3) == 0 ? keys : 0;
        writer.Write(positions);
        for (int key = 0; key < positions; key++)
        {
            writer.Write(At(key, positions));
            for (int axis = 0; axis < 3; axis++) writer.Write((ushort)(32_767 + random.Next(-50, 50)));
        }
    }

    private static ushort At(int key, int keys) => (ushort)(65_535 * key / Math.Max(1, keys - 1));

    private static void Text(BinaryWriter writer, string text)
    {
        writer.Write(Encoding.ASCII.GetBytes(text));
        writer.Write((byte)0);
    }

    private static string[] Middle() =>
    [
        "mPelvis", "mSpine1", "mSpine2", "mTorso", "mSpine3", "mSpine4", "mChest", "mNeck", "mHead", "mSkull", "mEyeRight", "mEyeLeft", "mGroin",
        "mFaceRoot", "mFaceJaw", "mFaceChin", "mFaceTeethLower", "mFaceTeethUpper", "mWingsRoot", "mHindLimbsRoot",
    ];

    private static IEnumerable<string> Side(string side) =>
    [
        $"mCollar{side}", $"mShoulder{side}", $"mElbow{side}", $"mWrist{side}",
        .. from finger in (string[])["Middle", "Index", "Ring", "Pinky", "Thumb"] from part in Enumerable.Range(1, 3) select $"mHand{finger}{part}{side}",
        .. Enumerable.Range(1, 4).Select(i => $"mWing{i}{side}"), $"mWing4Fan{side}",
        $"mHip{side}", $"mKnee{side}", $"mAnkle{side}", $"mFoot{side}", $"mToe{side}", .. Enumerable.Range(1, 4).Select(i => $"mHindLimb{i}{side}"),
    ];
}
