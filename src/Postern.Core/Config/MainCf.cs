namespace Postern.Core.Config;

/// <summary>An entry of main.cf, postern.cf or of a <c>-o</c> option; the value is not expanded.</summary>
/// <param name="Name">Case-sensitive.</param>
/// <param name="Value">Without white space at the ends; may be empty, which is not the same as absent.</param>
/// <param name="Origin">Where it stands.</param>
public sealed record MainCfEntry(string Name, string Value, ConfigOrigin Origin);

/// <summary>The entries of main.cf: the last definition of a name wins.</summary>
public sealed class MainCf
{
    private const string Remedy = "write one \"name = value\" per line, and begin continuation lines with a blank";

    private readonly Dictionary<string, MainCfEntry> _entries = new(StringComparer.Ordinal);

    internal MainCf() { }

    /// <summary>The entries by name.</summary>
    public IReadOnlyDictionary<string, MainCfEntry> Entries => _entries;

    /// <summary>Puts an entry in force, whatever the files say.</summary>
    internal void Set(MainCfEntry entry) => _entries[entry.Name] = entry;

    /// <summary>Adds the entries of one file; they replace those of the files before it without a word.</summary>
    /// <param name="text">The whole file.</param>
    /// <param name="file">Its path, for messages and origins.</param>
    internal void Read(string text, string file, ProblemList problems)
    {
        var whole = new ConfigOrigin(file, 0);
        var sink = problems.Sink(whole, Remedy, static _ => ProblemSeverity.Warning);
        foreach (var line in LogicalLines.Read(text, file, sink))
        {
            var origin = new ConfigOrigin(file, line.LineNumber);
            var nul = line.Text.IndexOf('\0');
            var entry = nul < 0 ? line.Text : line.Text[..nul];
            if (!NameValue.TrySplit(entry, out var name, out var value, out var problem))
            {
                problems.Error(origin, $"{problem}: \"{entry}\"", Remedy);
                continue;
            }

            if (_entries.TryGetValue(name, out var earlier) && earlier.Origin.File == file && earlier.Value != value)
                problems.Warning(
                    origin,
                    $"overriding earlier entry: {name}={earlier.Value}",
                    $"remove one of the two; the other is in line {earlier.Origin.Line}");
            _entries[name] = new MainCfEntry(name, value, origin);
        }
    }
}
