namespace Postern.Core.Config;

/// <summary>The <c>-o name=value</c> of a service's line in master.cf.</summary>
internal static class ServiceOverrides
{
    private const string Remedy = "write -o name=value, or -o { name = value } when the value has blanks";
    private const string WithoutEffect = "imnst"; // master(8) itself says these

    /// <summary>Reads what a command line has after <c>-o</c>.</summary>
    public static IReadOnlyList<MainCfEntry> Read(IReadOnlyList<string> texts, ProblemList problems) => Read(
        new MasterCfEntry("", "", false, true, false, 0, 1, "postern", [.. texts.SelectMany(static one => (string[])["-o", one])], new ConfigOrigin("-o", 0)), problems);

    /// <summary>Reads the overrides in their order; a later one of the same name counts.</summary>
    public static IReadOnlyList<MainCfEntry> Read(MasterCfEntry entry, ProblemList problems)
    {
        if (!DaemonOptions.TryRead(entry.Arguments, out var options, out var problem, out var word))
        {
            problems.Error(entry.OriginOf(word), problem, Remedy);
            return [];
        }

        var overrides = new List<MainCfEntry>();
        var isComplete = true;
        foreach (var option in options.Options)
        {
            if (WithoutEffect.Contains(option.Letter))
                problems.Warning(entry.OriginOf(option.Word), $"-{option.Letter} {option.Value} has no effect", "remove it");
            if (option is not { Letter: 'o', Value: { } text })
                continue;
            if (NameValue.TrySplit(text, out var name, out var value, out problem))
                overrides.Add(new MainCfEntry(name, value, entry.OriginOf(option.Word)));
            else
            {
                problems.Error(entry.OriginOf(option.Word), $"invalid \"-o {text}\" option value: {problem}", Remedy);
                isComplete = false;
            }
        }

        if (isComplete && options.Rest < entry.Arguments.Count) // else the word is part of the value, as in -o name = value
            WarnOfRest(entry, options.Rest, problems);
        return overrides;
    }

    private static void WarnOfRest(MasterCfEntry entry, int rest, ProblemList problems)
    {
        var behind = entry.Arguments.Skip(rest).SkipWhile(static word => word is not ['-', _, ..]).ToList();
        var problem = $"unexpected argument of {entry.Command}: {entry.Arguments[rest]}";
        if (behind.Count == 0)
            problems.Warning(entry.OriginOf(rest), problem, Remedy);
        else
            problems.Warning(
                entry.OriginOf(rest),
                $"{problem} -- it ends the options, so these have no effect: {string.Join(' ', behind)}",
                "remove it; a comment needs a line of its own that begins with #");
    }
}
