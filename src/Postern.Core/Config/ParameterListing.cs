using Postern.Core.Versions;

namespace Postern.Core.Config;

/// <summary>The parameters as text, with where each comes from: what <c>postern config</c> prints. Nothing is judged here.</summary>
public sealed class ParameterListing
{
    private const string DirectoryName = "config_directory"; // no entry sets it

    private readonly IReadOnlyDictionary<string, MainCfEntry> _entries;
    private readonly Func<string, string> _default; // as the entries have it: some defaults depend on other parameters
    private readonly Func<string, string> _builtIn;
    private readonly PostfixRelease _postfix;

    private ParameterListing(
        IReadOnlyDictionary<string, MainCfEntry> entries, Func<string, string> findDefault, Func<string, string> findBuiltIn, PostfixRelease postfix, ProblemList problems) =>
        (_entries, _default, _builtIn, _postfix, Problems, HasErrors) = (entries, findDefault, findBuiltIn, postfix, problems.All, problems.HasErrors);

    /// <summary>What kept a file from being read as it was meant; problems of values are <c>postern check</c>'s business.</summary>
    public IReadOnlyList<ConfigProblem> Problems { get; }

    /// <summary>Whether one of the problems is an error.</summary>
    public bool HasErrors { get; }

    /// <param name="directory">Such as <c>/etc/postfix</c>.</param>
    /// <param name="service">The first field of a line in master.cf whose overrides count; null: none.</param>
    /// <param name="overrides">Texts <c>name=value</c>, stronger than all else.</param>
    public static ParameterListing Load(string directory, ITextFiles files, HostFacts host, string? service, IReadOnlyList<string> overrides)
    {
        directory = directory.Length > 1 ? directory.TrimEnd('/') : directory;
        var problems = new ProblemList();
        var mainCf = new MainCf();
        Configuration.ReadMain(directory, files, mainCf, problems);
        var master = $"{directory}/master.cf";
        var ports = PortNames.Of(mainCf, host);
        var services = files.TryRead(master, out var text, out _) ? MasterCf.Read(text.Text, master, ports, new ProblemList()) : [];
        if (service is not null && services.LastOrDefault(entry => entry.Type == "inet" && entry.Name == service) is not { } line)
            problems.Error(new ConfigOrigin(master, 0), $"no service {service} of type inet", "write the first field of its line, as in -s smtp");
        else if (service is not null)
            Add(ServiceOverrides.Read(services.Last(entry => entry.Type == "inet" && entry.Name == service), problems));
        Add(ServiceOverrides.Read(overrides, problems));

        var behind = Configuration.ReadBehindLink(directory, files, ports);
        var postfix = PostfixRelease.Find(directory, mainCf, host, problems);
        return new ParameterListing(mainCf.Entries, Defaults(mainCf), Defaults(new MainCf()), postfix, problems);

        // What is wrong with a value is said by the check; here its text is all that counts.
        Func<string, string> Defaults(MainCf set)
        {
            var silent = new ProblemList();
            var defaults = new HostDefaults(set, [.. services, .. behind], host, postfix, silent);
            var values = new ParameterValues(set.Entries, defaults, silent);
            values.Define(DirectoryName, directory);
            values.Evaluate(Parameters.OfProcess);
            values.Evaluate(Parameters.OfService);
            return name => name == DirectoryName ? directory : defaults.Find(name, values) ?? Parameters.Find(name)?.Default ?? "";
        }

        void Add(IReadOnlyList<MainCfEntry> entries)
        {
            foreach (var entry in entries)
                mainCf.Set(entry);
        }
    }

    /// <summary>All names that Postern knows, in alphabetical order.</summary>
    public static IEnumerable<string> Known => Parameters.All.Select(static row => row.Name).Order(StringComparer.Ordinal);

    /// <summary>Whether there is such a parameter, by the registry or by somebody's own definition.</summary>
    public bool Has(string name) => Parameters.Find(name) is not null || _entries.ContainsKey(name);

    /// <summary>Whether a file or an option sets it.</summary>
    public bool IsSet(string name) => _entries.ContainsKey(name);

    /// <summary>Where it is set; null: by default.</summary>
    public ConfigOrigin? OriginOf(string name) => _entries.TryGetValue(name, out var entry) ? entry.Origin : null;

    /// <summary>Who says the default, where it is not the same with every Postfix; null: it is.</summary>
    public string? OriginOfDefault(string name) => _postfix.OriginOfDefault(name);

    /// <summary>What Postfix's own newer reading of a set parameter is called; empty: it is read as always.</summary>
    public IEnumerable<string> NewerReadings(string name) =>
        PostfixDifferences.All.Where(row => row.Default is null && row.Policy is VersionPolicy.ByVersion && row.Parameters.Contains(name) && _postfix.Version.Has(row)).Select(static row => row.Name);

    /// <summary>The text in force, <c>$name</c> as written.</summary>
    public string TextOf(string name) => _entries.TryGetValue(name, out var entry) ? entry.Value : _default(name);

    /// <summary>The built-in text, which no entry has an influence on.</summary>
    public string DefaultOf(string name) => Parameters.Find(name) is null && PostfixDefaults.Find(name) is { } text ? text : _builtIn(name);

    /// <summary>Replaces <c>$name</c> by what it stands for.</summary>
    /// <param name="byDefaults">Whether names stand for their defaults, whatever the files say.</param>
    /// <param name="problem">On failure, why; the text stays.</param>
    public string Expand(string text, bool byDefaults, out string? problem)
    {
        var expander = new MacroExpander(
            name => !Has(name) ? PostfixDefaults.Find(name) : byDefaults ? DefaultOf(name) : TextOf(name),
            CompatibilityLevel.Comparisons,
            MacroFunctions.In(_postfix.Version));
        return expander.TryExpand(text, out var expanded, out problem) ? expanded : text;
    }
}
