using System.Diagnostics.CodeAnalysis;

namespace Postern.Core.Config;

/// <summary>An option of a daemon's command line.</summary>
/// <param name="Letter">What follows the hyphen.</param>
/// <param name="Value">Its argument; null: it takes none.</param>
/// <param name="Word">The index of the word that it begins in.</param>
public readonly record struct DaemonOption(char Letter, string? Value, int Word);

/// <summary>
/// The words behind a daemon's name, in master.cf and as master(8) passes them on, by the rules of Postfix's daemons:
/// getopt(3), which stops at <c>--</c> and at the first word that is no option. What follows has no effect.
/// </summary>
public sealed record DaemonOptions
{
    private const string WithValue = "imnost";
    private const string WithoutValue = "cdDluvVz";

    /// <summary>In their order.</summary>
    public required IReadOnlyList<DaemonOption> Options { get; init; }

    /// <summary>The index of the first word that is no option; the number of words when all are.</summary>
    public required int Rest { get; init; }

    /// <param name="problem">In Postfix's words: <c>invalid option: x</c>.</param>
    public static bool TryRead(
        IReadOnlyList<string> words, [NotNullWhen(true)] out DaemonOptions? options, [NotNullWhen(false)] out string? problem) =>
        TryRead(words, out options, out problem, out _);

    /// <param name="problem">In Postfix's words: <c>invalid option: x</c>.</param>
    /// <param name="word">On failure, the index of the word that is wrong.</param>
    public static bool TryRead(
        IReadOnlyList<string> words, [NotNullWhen(true)] out DaemonOptions? options, [NotNullWhen(false)] out string? problem, out int word)
    {
        (options, problem, word) = (null, null, 0);
        var found = new List<DaemonOption>();
        for (; word < words.Count && words[word] is ['-', _, ..] letters; word++)
        {
            if (letters == "--")
            {
                word++;
                break;
            }

            var first = word;
            for (var at = 1; at < letters.Length; at++)
            {
                var letter = letters[at];
                if (WithoutValue.Contains(letter))
                {
                    found.Add(new DaemonOption(letter, Value: null, first));
                    continue;
                }

                var isNext = at + 1 == letters.Length;
                if (!WithValue.Contains(letter) || (isNext && word + 1 == words.Count))
                {
                    problem = $"invalid option: {letter}"; // also for a missing value, as Postfix has it
                    return false;
                }

                found.Add(new DaemonOption(letter, isNext ? words[++word] : letters[(at + 1)..], first));
                break;
            }
        }

        options = new DaemonOptions { Options = found, Rest = word };
        return true;
    }
}
