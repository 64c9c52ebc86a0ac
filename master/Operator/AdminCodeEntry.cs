using System.Text;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Operator;

/// <summary>Where the operator's admin code comes from: never from the command line, which every user of the machine can read.</summary>
internal static class AdminCodeEntry
{
    /// <summary>The environment's variable.</summary>
    public const string Variable = "GLOBALCACHE_ADMIN_CODE";

    /// <summary>The variable's value.</summary>
    /// <exception cref="OperatorRefusedException">There is none.</exception>
    public static string Told() => Judged(Environment.GetEnvironmentVariable(Variable));

    /// <summary>The variable's value; else what is typed, unseen, or the first line of what is piped in.</summary>
    /// <param name="input">What is piped in.</param>
    /// <param name="key">The next key of a terminal; null: there is none.</param>
    /// <param name="prompt">Where it is asked for.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="OperatorRefusedException">There is none.</exception>
    public static async Task<string> AskAsync(TextReader input, Func<ConsoleKeyInfo>? key, TextWriter prompt, CancellationToken ct) =>
        Judged(Environment.GetEnvironmentVariable(Variable) ?? (key is null ? await input.ReadLineAsync(ct) : await TypedAsync(prompt, key)));

    private static string Judged(string? code) => code?.Trim() is { Length: > 0 and <= GridMac.MostCodeLength } sound ? sound
        : throw new OperatorRefusedException($"There is no admin code: put it into {Variable}, or type it when asked.");

    private static async Task<string> TypedAsync(TextWriter prompt, Func<ConsoleKeyInfo> key)
    {
        await prompt.WriteAsync("Admin code: ");
        var typed = new StringBuilder();
        while (key() is { Key: not ConsoleKey.Enter } next)
        {
            if (next.Key == ConsoleKey.Backspace) typed.Length = Math.Max(0, typed.Length - 1);
            else if (next.KeyChar != '\0' && typed.Length <= GridMac.MostCodeLength) typed.Append(next.KeyChar);
        }

        await prompt.WriteLineAsync();
        return typed.ToString();
    }
}
