using Postern.Core;
using Postern.Core.Config;
using Postern.Storage;
using Postern.Tables;
using Postern.Tls;

namespace Postern.Cli;

/// <summary><c>postern check</c>: reads the configuration and says all that is wrong with it.</summary>
internal static class CheckVerb
{
    /// <param name="directory">Such as <c>/etc/postfix</c>.</param>
    /// <param name="output">Encodes Latin-1, so that what the files hold goes out byte by byte.</param>
    /// <returns>The exit status: 1 when something is wrong that should be mended, else 0.</returns>
    public static int Run(string directory, TextWriter output) =>
        Run(directory, new TextFiles(), HostFactsReader.Read(), output);

    internal static int Run(string directory, ITextFiles files, HostFacts host, TextWriter output)
    {
        var configuration = Configuration.Load(directory, files, host, HostTableTypes.For);
        var errors = PrintProblems([.. configuration.Problems, .. CertificateProblems(configuration, files)], output);
        if (errors == 0)
            output.WriteLine(Printable($"main.cf and master.cf are fine: {Describe(configuration)}"));
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
        }

        if (errors > 0 || warnings > 0)
            output.WriteLine($"{Count(errors, "error")}, {Count(warnings, "warning")}");
        return errors;
    }

    private static IEnumerable<ConfigProblem> CertificateProblems(Configuration configuration, ITextFiles files)
    {
        var pems = new PemFiles(files);
        foreach (var settings in configuration.Services.Select(static service => service.Settings.Tls).OfType<TlsSettings>())
        {
            foreach (var (origin, parameter, problem) in TlsCredentials.Check(settings, pems, TimeProvider.System.GetUtcNow()))
            {
                yield return new ConfigProblem(
                    ProblemSeverity.Degraded, origin?.File, origin?.Line ?? 0, problem,
                    $"mend the file, or name another in {parameter}; until then STARTTLS is answered with 454");
            }
        }
    }

    private static string Count(int number, string noun) => number == 1 ? $"1 {noun}" : $"{number} {noun}s";

    private static string Describe(Configuration configuration)
    {
        var services = configuration.Services.Select(static service =>
        {
            var target = service.Handoff switch
            {
                HandoffTarget.Pass(var path) => path,
                HandoffTarget.Relay relay => Describe(relay, service),
                _ => "the built-in SMTP server",
            };
            var live = service.LiveTarget is { } over && Describe(over, service) is var other && other != target ? $"; in the middle of their session they go to {other}" : "";
            var memory = service.Settings.CacheMap is { } map ? $"remembered in {map}" : "not remembered";
            return $"service {service.Name} listens on {string.Join(" and ", service.Endpoints)}; "
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
