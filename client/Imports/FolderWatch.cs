namespace GlobalCache.Client.Imports;

/// <summary>A file as a look into a folder finds it.</summary>
/// <param name="Path">Where it lies.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Written">When it was written last.</param>
internal readonly record struct FoundFile(string Path, long Length, DateTime Written);

/// <summary>
/// Which files of a folder are new, look after look. A file is ready when two looks have found it the same: somebody may still be writing it. Looking again is
/// what works on every disk and every network share; notices of changes are lost on many.
/// </summary>
internal sealed class FolderWatch
{
    private Dictionary<string, (FoundFile File, bool Taken)> _known = new(StringComparer.Ordinal);

    /// <summary>Those to be taken now: again at every look until they are <see cref="Took"/>, and when they have changed since. What is gone is forgotten.</summary>
    public IReadOnlyList<string> Look(IEnumerable<FoundFile> found)
    {
        List<string> ready = [];
        Dictionary<string, (FoundFile, bool)> now = new(_known.Count, StringComparer.Ordinal);
        foreach (FoundFile file in found)
        {
            bool same = _known.TryGetValue(file.Path, out (FoundFile File, bool Taken) before) && before.File == file;
            if (same && !before.Taken) ready.Add(file.Path);
            now[file.Path] = (file, same && before.Taken);
        }
        _known = now;
        return ready;
    }

    /// <summary>It was taken as the last look has found it.</summary>
    public void Took(string path) => _known[path] = (_known[path].File, true);
}
