using System.Diagnostics;
using System.Text;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Docs;

/// <summary>A command as a page has it, typed by somebody whose folders are of their own. What it builds is built already; the rest is as it stands there.</summary>
internal sealed class TypedCommand : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _said = new();
    private readonly string _line;

    private TypedCommand(string line, Process process) => (_line, _process) = (line, process);

    /// <summary>Both streams.</summary>
    public string Said
    {
        get { lock (_said) return _said.ToString(); }
    }

    /// <param name="line"><c>dotnet run … --project P -- words</c>.</param>
    /// <param name="home">Stands for the user's folder.</param>
    public static TypedCommand Type(string line, string home)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string program = words[Array.IndexOf(words, "--project") + 1] switch
        {
            "client" => "globalcache.dll",
            "node" => "globalcache-node.dll",
            "master" => "globalcache-master.dll",
            "tests/TestGrid" => "GlobalCache.TestGrid.dll",
            var other => throw new ArgumentOutOfRangeException(nameof(line), other, "No page starts such a program."),
        };
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, program), .. words.SkipWhile(w => w != "--").Skip(1)])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = home,
        };
        (start.Environment["HOME"], start.Environment["XDG_CONFIG_HOME"], start.Environment["XDG_DATA_HOME"]) = (home, Path.Combine(home, "config"), Path.Combine(home, "data"));
        var typed = new TypedCommand(line, Process.Start(start)!);
        typed._process.OutputDataReceived += (_, said) => typed.Add(said.Data);
        typed._process.ErrorDataReceived += (_, said) =>
        {
            if (said.Data is not null) SecretWatch.Hear(said.Data);
            typed.Add(said.Data);
        };
        typed._process.BeginOutputReadLine();
        typed._process.BeginErrorReadLine();
        typed._process.StandardInput.Close();
        return typed;
    }

    /// <summary>Until it has ended by itself, well; what it said.</summary>
    public static async Task<string> RunAsync(string line, string home)
    {
        await using TypedCommand typed = Type(line, home);
        await typed._process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(typed._process.ExitCode == 0, $"{line}: {typed._process.ExitCode}: {typed.Said}");
        return typed.Said;
    }

    /// <summary>Until it has said such a thing; what stands behind that on its line.</summary>
    public async Task<string> UntilAsync(string what)
    {
        for (int i = 0; i < 600 && !Said.Contains(what, StringComparison.Ordinal) && !_process.HasExited; i++) await Task.Delay(100);
        string said = Said;
        int at = said.IndexOf(what, StringComparison.Ordinal);
        Assert.True(at >= 0, $"{_line} has not said “{what}”: {said}");
        return said[(at + what.Length)..].Split('\n')[0].Trim();
    }

    /// <summary>Asks it to end, and waits until it has.</summary>
    public async Task EndAsync()
    {
        using (Process? asked = Process.Start("/bin/kill", ["-TERM", $"{_process.Id}"])) await asked.WaitForExitAsync();
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
    }

    public ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
        return default;
    }

    private void Add(string? line)
    {
        if (line is null) return;
        lock (_said) _said.AppendLine(line);
    }
}
