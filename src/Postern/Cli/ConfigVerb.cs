using Postern.Core;
using Postern.Core.Config;
using Postern.Storage;

namespace Postern.Cli;

/// <summary>What <c>postern config</c> is to print.</summary>
/// <param name="Directory">Such as <c>/etc/postfix</c>.</param>
/// <param name="Names">Which parameters; none: all.</param>
/// <param name="OnlyChanged">Only what somebody set.</param>
/// <param name="Defaults">Built-in defaults, whatever the files say.</param>
/// <param name="HideNames">Values alone.</param>
/// <param name="Expand">With <c>$name</c> replaced.</param>
/// <param name="ShowOrigins">Where each value comes from, before it.</param>
/// <param name="Service">The line of master.cf whose overrides count; null: none.</param>
/// <param name="Overrides">Texts <c>name=value</c>.</param>
internal sealed record ConfigQuery(
    string Directory,
    IReadOnlyList<string> Names,
    bool OnlyChanged,
    bool Defaults,
    bool HideNames,
    bool Expand,
    bool ShowOrigins,
    string? Service,
    IReadOnlyList<string> Overrides);

/// <summary><c>postern config</c>: prints parameters as postconf(1) does, <c>name = value</c>.</summary>
internal static class ConfigVerb
{
    /// <returns>The exit status: 1 when a name is unknown or a file cannot be read, else 0.</returns>
    public static int Run(ConfigQuery query, TextWriter output, TextWriter errors) =>
        Run(query, new TextFiles(), HostFactsReader.Read(), output, errors);

    internal static int Run(ConfigQuery query, ITextFiles files, HostFacts host, TextWriter output, TextWriter errors)
    {
        if (query is { OnlyChanged: true, Defaults: true })
        {
            errors.WriteLine("postern: fatal: specify one of -d -n");
            return 1;
        }

        var listing = ParameterListing.Load(query.Directory, files, host, query.Service, query.Overrides);
        foreach (var problem in listing.Problems)
            errors.WriteLine($"postern: {(problem.Severity is ProblemSeverity.Error ? "error" : "warning")}: {problem.Place}{problem.Text}");

        var status = listing.HasErrors ? 1 : 0;
        IEnumerable<string> names = query.Names.Count > 0 ? query.Names : ParameterListing.Known;
        foreach (var name in names)
        {
            if (!listing.Has(name))
            {
                var nearest = Parameters.Nearest(name);
                errors.WriteLine($"postern: warning: {name}: unknown parameter" + (nearest is null ? "" : $"; did you mean {nearest}?"));
                status = 1;
            }
            else if (!query.OnlyChanged || listing.IsSet(name))
            {
                output.WriteLine(Render(query, listing, name, errors));
            }
        }

        return status;
    }

    private static string Render(ConfigQuery query, ParameterListing listing, string name, TextWriter errors)
    {
        var text = query.Defaults ? listing.DefaultOf(name) : listing.TextOf(name);
        if (query.Expand && Parameters.Find(name)?.Kind is not ParameterKind.Raw)
        {
            text = listing.Expand(text, query.Defaults, out var problem);
            if (problem is not null)
                errors.WriteLine($"postern: warning: {name}: {problem}");
        }

        text = string.Join(' ', text.Split((char[])[' ', '\t', '\r', '\n', '\v', '\f'], StringSplitOptions.RemoveEmptyEntries)); // as postconf does
        var origin = !query.ShowOrigins ? "" : query.Defaults || listing.OriginOf(name) is not { } place ? $"default{OfWhom(listing, name)}: " : $"{place}{AsRead(listing, name)}: ";
        return origin + (query.HideNames ? text : text.Length == 0 ? $"{name} =" : $"{name} = {text}");
    }

    private static string OfWhom(ParameterListing listing, string name) => listing.OriginOfDefault(name) is { } who ? $" of {who}" : "";

    // By the names that docs/compatibility.md has for what changed between versions of Postfix.
    private static string AsRead(ParameterListing listing, string name) => string.Join(", ", listing.NewerReadings(name)) is { Length: > 0 } readings ? $" ({readings})" : "";
}
