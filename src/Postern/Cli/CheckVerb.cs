using Postern.Checks;
using Postern.Core;
using Postern.Core.Checks;
using Postern.Core.Config;
using Postern.Native;
using Postern.Storage;
using Postern.Tables;

namespace Postern.Cli;

/// <summary>
/// <c>postern check</c>: a dry run of <c>postern serve</c>. Reads the configuration, tries each step of the start, has made-up
/// clients come, and says all that is wrong.
/// </summary>
internal static class CheckVerb
{
    /// <param name="directory">Such as <c>/etc/postfix</c>.</param>
    /// <param name="saysLists">Whether to say what each DNS list answers, and not only which of them are in trouble.</param>
    /// <param name="output">Encodes Latin-1, so that what the files hold goes out byte by byte.</param>
    /// <returns>The exit status: 1 when something is wrong that should be mended, else 0.</returns>
    public static int Run(string directory, bool saysLists, TextWriter output)
    {
        var (files, host) = (new TextFiles(), HostFactsReader.Read());
        var resolver = ListsCheck.ResolverOfSystem(problem => output.WriteLine(Printable($"warning: {problem}")));
        Configuration? valid = null;
        var status = Run(
            directory,
            files,
            host,
            configuration =>
            {
                valid = configuration;
                return saysLists ? HostCheck.Find(configuration) : [.. HostCheck.Find(configuration), .. ListsCheck.Find(configuration, resolver)];
            },
            output);
        if (saysLists && valid is not null && !ListsCheck.Print(valid, resolver, output))
            status = 1;
        if (Libc.geteuid() != 0)
            output.WriteLine("Run it as root to have ports below 1024 and the rights of mail_owner checked, too.");
        return status;
    }

    /// <param name="findOnHost">What stands in the way on this machine.</param>
    internal static int Run(string directory, ITextFiles files, HostFacts host, Func<Configuration, IEnumerable<ConfigProblem>> findOnHost, TextWriter output)
    {
        var configuration = Configuration.Load(directory, files, host, HostTableTypes.ForTrial);
        var problems = ClientCheck.Find(configuration, configuration.HasErrors ? [] : findOnHost(configuration));
        var errors = PrintProblems(problems, output);
        if (errors == 0)
            output.WriteLine(Printable($"{(problems.Count == 0 ? "main.cf and master.cf are fine" : "postern serve would start")}: {Describe(configuration)}"));
        return errors > 0 ? 1 : 0;
    }

    /// <summary>Prints each problem with its remedy, and how many there are.</summary>
    /// <returns>The number of those that should be mended.</returns>
    public static int PrintProblems(IReadOnlyList<ConfigProblem> problems, TextWriter output)
    {
        var (errors, warnings) = (0, 0);
        foreach (var problem in problems)
        {
            var isWarning = problem.Severity == ProblemSeverity.Warning;
            if (isWarning)
                warnings++;
            else
                errors++;
            output.WriteLine(Printable($"{problem.Place}{(isWarning ? "warning" : "error")}: {problem.Text}"));
            output.WriteLine(Printable($"    {problem.Remedy}"));
            foreach (var text in problem.AtClients)
                output.WriteLine(Printable($"    at a client: {text}"));
        }

        if (errors > 0 || warnings > 0)
            output.WriteLine($"{Count(errors, "error")}, {Count(warnings, "warning")}");
        return errors;
    }

    private static string Count(int number, string noun) => number == 1 ? $"1 {noun}" : $"{number} {noun}s";

    private static string Describe(Configuration configuration)
    {
        var services = configuration.Services.Select(service =>
        {
            var target = service.Handoff switch
            {
                HandoffTarget.Pass(var path) => path,
                HandoffTarget.Relay relay => Describe(relay, service),
                _ => "the built-in SMTP server",
            };
            var live = service.LiveTarget is { } over && Describe(over, service) is var other && other != target ? $"; in the middle of their session they go to {other}" : "";
            var memory = service.Settings.CacheMap is { } map ? $"remembered in {map}" : "not remembered";
            var elsewhere = configuration.Services.Where(other => other != service).SelectMany(static other => other.Endpoints)
                .Where(other => !other.Address.IsWildcard && service.Endpoints.Any(other.IsBeside)).ToList();
            var except = elsewhere.Count > 0 ? $" but not on {string.Join(" and ", elsewhere)}" : "";
            return $"service {service.Name} listens on {string.Join(" and ", service.Endpoints)}{except}; "
                + $"clients that pass go to {target} and are {memory}{live}";
        });
        return string.Join("; ", services);
    }

    private static string Describe(HandoffTarget.Relay relay, ScreeningService service) =>
        $"the relay target{(relay.Targets.Count == 1 ? "" : "s")} "
        + string.Join(", ", relay.Targets.Select(target => $"{target.Name} ({RelayRules.NameOf(target.Announcement ?? service.Relay.Announcement)})"));

    private static string Printable(string text) =>
        string.Concat(text.Select(static one => char.IsControl(one) && one < '\x80' ? $"\\{Convert.ToString(one, 8).PadLeft(3, '0')}" : one.ToString()));
}
