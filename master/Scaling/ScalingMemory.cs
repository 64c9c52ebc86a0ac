using GlobalCache.Policy;

namespace GlobalCache.Master.Scaling;

/// <summary>
/// What a master has learned of demand, as one small object for the next one: the margins' last day and the week's profile. Without it nothing is lost but money:
/// a master that knows nothing keeps wider margins for an hour, and learns its week anew.
/// </summary>
/// <remarks>
/// Little-endian: a byte that tells the form, for each margin the count and what was missed (oldest first, single precision), how the last hour compared with the profile, the slots learned, then for each of
/// the week's slots that was seen its place, its slot of all time, sum, weight and newest figure. 260 KB at most (20 000 samples a margin, the policy's limit);
/// some 50 KB with the defaults.
/// </remarks>
internal static class ScalingMemory
{
    /// <summary>No longer object is looked at.</summary>
    public const int MostBytes = 300_000;

    private const byte Form = 1;
    private const int MostSamples = 20_000;

    /// <summary>The object.</summary>
    public static byte[] Save(ScalingState state)
    {
        using MemoryStream bytes = new();
        using BinaryWriter to = new(bytes);
        to.Write(Form);
        foreach (Margin margin in (ReadOnlySpan<Margin>)[state.Ahead, state.PayBack])
        {
            to.Write(margin.Missed.Count);
            for (int back = margin.Missed.Count - 1; back >= 0; back--) to.Write((float)margin.Missed[back]);
        }

        Season season = state.Season;
        to.Write((byte)season.Today.Count);
        for (int back = season.Today.Count - 1; back >= 0; back--) to.Write((float)season.Today[back]);
        to.Write(season.Count);
        to.Write(season.Seen.Count(slot => slot >= 0));
        for (int at = 0; at < Season.Week; at++)
        {
            if (season.Seen[at] < 0) continue;
            to.Write((ushort)at);
            to.Write(season.Seen[at]);
            to.Write((float)season.Sums[at]);
            to.Write((float)season.Weights[at]);
            to.Write((float)season.Latest[at]);
        }

        return bytes.ToArray();
    }

    /// <summary>
    /// A state that remembers it. False: it is damaged, of another form, or holds what cannot be; then the state knows nothing, and all works without it.
    /// </summary>
    public static bool TryRestore(byte[] saved, ScalingPolicy policy, out ScalingState state)
    {
        state = new();
        if (saved.Length is 0 or > MostBytes) return false;
        try
        {
            using BinaryReader from = new(new MemoryStream(saved, writable: false));
            if (from.ReadByte() == Form && ReadMargins(from, policy, state) && ReadSeason(from, policy, state.Season) && from.BaseStream.Position == saved.Length)
                return true;
        }
        catch (EndOfStreamException)
        {
            // Cut short: as any other damage.
        }

        state = new();
        return false;
    }

    private static bool ReadMargins(BinaryReader from, ScalingPolicy policy, ScalingState state)
    {
        foreach (Margin margin in (Margin[])[state.Ahead, state.PayBack])
        {
            int count = from.ReadInt32();
            if (count is < 0 or > MostSamples) return false;
            for (int i = 0; i < count; i++)
            {
                float missed = from.ReadSingle();
                if (!float.IsFinite(missed) || missed < -1) return false;
                margin.Take(missed, policy);
            }

            margin.Refresh(policy);
        }

        return true;
    }

    private static bool ReadSeason(BinaryReader from, ScalingPolicy policy, Season season)
    {
        for (int left = from.ReadByte(); left > 0; left--)
        {
            float ratio = from.ReadSingle();
            if (!float.IsFinite(ratio) || ratio < 0) return false;
            season.Today.Add(ratio);
        }

        season.Count = from.ReadInt32();
        int slots = from.ReadInt32();
        if (season.Count < 0 || slots is < 0 or > Season.Week) return false;
        for (int i = 0; i < slots; i++)
        {
            (int at, int seen) = (from.ReadUInt16(), from.ReadInt32());
            (float sum, float weight, float latest) = (from.ReadSingle(), from.ReadSingle(), from.ReadSingle());
            bool isFigure = float.IsFinite(sum) && float.IsFinite(weight) && float.IsFinite(latest) && sum >= 0 && weight > 0 && latest >= 0;
            if (at >= Season.Week || seen < 0 || seen % Season.Week != at || !isFigure) return false;
            (season.Seen[at], season.Sums[at], season.Weights[at], season.Latest[at]) = (seen, sum, weight, latest);
        }

        season.Build(policy);
        return true;
    }
}
