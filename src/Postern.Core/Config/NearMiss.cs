namespace Postern.Core.Config;

/// <summary>What in a master.cf without screening is nearly the line that is missing.</summary>
internal static class NearMiss
{
    private const int SmtpPort = 25;
    private const int FurthestEdits = 3;
    private const string PassLine = "smtpd pass - - n - - smtpd";

    /// <summary>The line to change, or the file as a whole, and how.</summary>
    /// <param name="text">The file's.</param>
    /// <param name="entries">Its services.</param>
    public static (ConfigOrigin Place, string Remedy) Find(string file, string text, IReadOnlyList<MasterCfEntry> entries, PortNames ports)
    {
        if (entries.FirstOrDefault(static entry => entry.Type == "inet" && IsMisspelt(entry.Command)) is { } misspelt)
            return (misspelt.Origin, $"write {(Distance(misspelt.Command, "postern") < Distance(misspelt.Command, "postscreen") ? "postern" : "postscreen")} for {misspelt.Command}");
        var smtpd = entries.FirstOrDefault(entry => entry is { Type: "inet", Command: "smtpd" } && ports.Find(entry.Endpoint.Port) is SmtpPort);
        var passComment = FindComment(text, static words => words is [_, "pass", ..]);
        var pass = entries.Any(static entry => entry.Type == "pass") ? "" : passComment is { } other ? $", and take away the # of line {other}, which smtpd needs to be given clients" : $", and a line: {PassLine}";
        if (FindComment(text, static words => words is [_, "inet", _, _, _, _, _, "postscreen" or "postern", ..]) is { } comment)
            return smtpd is null
                ? (new ConfigOrigin(file, comment), $"take the # away{pass}")
                : (new ConfigOrigin(file, comment), $"take the # away, and put one before line {smtpd.Origin.Line}, which runs smtpd on that port{pass}");
        if (smtpd is not null)
            return (smtpd.Origin, $"this line runs smtpd on that port: write \"{smtpd.Name} inet n - {(smtpd.Chroot is { } chroot ? chroot ? "y" : "n" : "-")} - 1 postscreen\" in its place{pass}");
        if (entries.FirstOrDefault(static entry => entry is { Type: not "inet", Command: "postscreen" or "postern" }) is { } elsewhere)
            return (elsewhere.Origin, "write smtp inet n - n - 1 postscreen in its place");
        return (new ConfigOrigin(file, 0), "add a line such as: smtp inet n - n - 1 postscreen");
    }

    private static bool IsMisspelt(string command) => Distance(command, "postscreen") <= FurthestEdits || Distance(command, "postern") < FurthestEdits;

    private static int Distance(string command, string meant) => command.Length < 20 ? Parameters.EditDistance(command, meant) : int.MaxValue;

    /// <returns>The number of a line that would be it without its <c>#</c>; null: there is none.</returns>
    private static int? FindComment(string text, Predicate<string[]> isIt)
    {
        var number = 0;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            number++;
            if (!line.StartsWith('#'))
                continue;
            var words = line[1..].ToString().Split((char[])[' ', '\t'], 9, StringSplitOptions.RemoveEmptyEntries);
            if (isIt(words))
                return number;
        }

        return null;
    }
}
