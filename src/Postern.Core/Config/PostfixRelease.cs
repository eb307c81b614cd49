using System.Globalization;
using Postern.Core.Versions;

namespace Postern.Core.Config;

/// <summary>The Postfix that a machine has.</summary>
/// <param name="MailVersion"><c>mail_version</c> as it was built: <c>3.10.13</c>.</param>
/// <param name="FoundIn">The program or file that said so.</param>
/// <param name="Defaults">
/// Its own defaults of <see cref="PostfixRelease.BuildDefaults"/>, by name; empty when only its files could be asked.
/// </param>
public sealed record FoundPostfix(string MailVersion, string FoundIn, IReadOnlyDictionary<string, string> Defaults);

/// <summary>The Postfix whose configuration is read: it decides how, wherever versions differ (<see cref="PostfixDifferences"/>).</summary>
public sealed class PostfixRelease
{
    /// <summary>Parameters whose defaults whoever builds Postfix chooses.</summary>
    public static readonly IReadOnlyList<string> BuildDefaults =
    [
        "command_directory", "daemon_directory", "data_directory", "default_cache_db_type", "default_database_type", "mail_owner", "queue_directory", "setgid_group",
    ];

    private const string Name = "postern_postfix_version";

    private readonly IReadOnlyDictionary<string, string> _buildDefaults;

    private PostfixRelease(PostfixVersion version, string mailVersion, string saidBy, IReadOnlyDictionary<string, string> buildDefaults) =>
        (Version, MailVersion, SaidBy, _buildDefaults) = (version, mailVersion, saidBy, buildDefaults);

    /// <summary>Whose behaviour counts.</summary>
    public PostfixVersion Version { get; }

    /// <summary>The default of <c>mail_version</c>.</summary>
    public string MailVersion { get; }

    /// <summary>Who said which version it is: an entry's place, a program, a file; for messages.</summary>
    public string SaidBy { get; }

    /// <summary>Finds out which Postfix it is: <c>postern_postfix_version</c> says so, or the machine's own Postfix.</summary>
    internal static PostfixRelease Find(string directory, MainCf mainCf, HostFacts host, ProblemList problems)
    {
        // Only what leads to it; what is wrong with it is said when everything is evaluated.
        var values = new ParameterValues(mainCf.Entries, static (name, _) => name == Name ? "" : null, PostfixVersion.Base, new ProblemList());
        values.Define("config_directory", directory);
        values.Evaluate([.. CommonParameters.Rows.Where(static row => row.Name is "mail_version" or "command_directory" or "daemon_directory"), Parameters.Find(Name)!]);
        var found = host.FindPostfix(values.IsSet("command_directory") ? values.Text("command_directory") : null, values.Text("daemon_directory"));
        var isKnown = PostfixVersion.TryParse(found?.MailVersion, out var machines);
        var written = values.Text(Name);
        if (written.Length > 0)
        {
            var origin = values.OriginOf(Name);
            if (!PostfixVersion.TryParse(written, out var version))
                problems.Error(origin, $"bad {Name} value: {written}", "write 3.7, 3.10, 3.11 or 3.12, or remove it: then it is that of the Postfix on this machine");
            else if (isKnown && machines.Series == version.Series)
                return new PostfixRelease(version.Patch > 0 ? version : machines, found!.MailVersion, $"{origin}", found.Defaults);
            else
                return new PostfixRelease(version, written, $"{origin}", NoDefaults);
        }

        if (!isKnown)
            return new PostfixRelease(PostfixVersion.Base, Parameters.Find("mail_version")!.Default, "no Postfix found", NoDefaults);
        if (machines.Series > PostfixVersion.Known[^1])
            problems.Warning(null, $"{found!.FoundIn} is of Postfix {found.MailVersion}, which this Postern does not know: it is taken for {PostfixVersion.Known[^1]}", "look for a newer Postern; docs/compatibility.md says what differs between versions");
        return new PostfixRelease(machines, found!.MailVersion, found.FoundIn, found.Defaults);
    }

    /// <summary>The default text of a parameter, where it depends on version or build; null: the registry's.</summary>
    public string? DefaultOf(string name) => name switch
    {
        Name => string.Create(CultureInfo.InvariantCulture, $"{Version.Major}.{Version.Minor}"),
        "mail_version" => MailVersion,
        _ => _buildDefaults.GetValueOrDefault(name) ?? PostfixDifferences.DefaultOf(name, Version),
    };

    /// <summary>Where a default comes from that is not the same in every version or build; null: it is.</summary>
    public string? OriginOfDefault(string name) => name is Name or "mail_version" || _buildDefaults.ContainsKey(name)
        ? SaidBy
        : PostfixDifferences.DefaultOf(name, Version) is not null ? $"Postfix {Version.Series}" : null;

    private static readonly Dictionary<string, string> NoDefaults = [];
}
