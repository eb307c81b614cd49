namespace Postern.Core.Config;

/// <summary>The arguments of a screening service's line in master.cf: <c>-o name=value</c>, <c>-v</c> and <c>-D</c>, in getopt(3)'s forms.</summary>
internal static class ServiceOverrides
{
    private const string Remedy = "write -o name=value, or -o { name = value } when the value has blanks";

    /// <summary>Reads <c>-o name=value</c> of a command line.</summary>
    /// <param name="texts">What follows each <c>-o</c>.</param>
    public static IReadOnlyList<MainCfEntry> ReadTexts(IReadOnlyList<string> texts, ProblemList problems) =>
        Read(new MasterCfEntry("", "", false, true, false, 0, 1, "postern", [.. texts.SelectMany(static one => (string[])["-o", one])], new ConfigOrigin("-o", 0)), problems);

    /// <summary>Reads the overrides in their order; a later one of the same name counts.</summary>
    public static IReadOnlyList<MainCfEntry> Read(MasterCfEntry entry, ProblemList problems)
    {
        var overrides = new List<MainCfEntry>();
        for (var i = 0; i < entry.Arguments.Count; i++)
        {
            var argument = entry.Arguments[i];
            if (argument.Length > 1 && argument[0] == '-' && !argument.AsSpan(1).ContainsAnyExcept('v', 'D'))
                continue;
            if (!argument.StartsWith("-o", StringComparison.Ordinal))
            {
                problems.Warning(entry.Origin, $"unexpected argument of {entry.Command}: {argument}", Remedy);
                continue;
            }

            if (argument.Length == 2 && ++i == entry.Arguments.Count)
            {
                problems.Error(entry.Origin, "option requires an argument -- 'o'", Remedy);
                break;
            }

            var text = argument.Length == 2 ? entry.Arguments[i] : argument[2..];
            if (NameValue.TrySplit(text, out var name, out var value, out var problem))
                overrides.Add(new MainCfEntry(name, value, entry.Origin));
            else
                problems.Error(entry.Origin, $"invalid \"-o {text}\" option value: {problem}", Remedy);
        }

        return overrides;
    }
}
