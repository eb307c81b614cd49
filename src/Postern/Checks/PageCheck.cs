using Postern.Control;
using Postern.Core.Config;
using Postern.Native;

namespace Postern.Checks;

/// <summary>Whether the page of <c>postern_http</c> can be shown, and who may use it.</summary>
internal static class PageCheck
{
    private const string Http = "postern_http", Tokens = "postern_http_token_file";

    /// <param name="keeper">Who the daemon becomes; null: nobody else.</param>
    public static IEnumerable<ConfigProblem> Find(Configuration configuration, FileKeeper? keeper)
    {
        var process = configuration.Process!;
        if (process.Http is not { } http)
        {
            if (process.HttpTokenFile is not null)
                yield return HostCheck.Problem(ProblemSeverity.Warning, HostCheck.OriginOf(configuration, Tokens), $"{Tokens} has no effect without {Http}", $"write {Http} = 127.0.0.1:8025, or remove it");
            yield break;
        }

        var origin = HostCheck.OriginOf(configuration, Http);
        if (PageServer.Program is var program && !PathTrial.Exists(Latin1.OfText(program)))
            yield return HostCheck.Problem(ProblemSeverity.Degraded, origin, $"{Http}: the page at {http} needs {program}, which is not there", "copy postern-dashboard from where you have postern from");
        foreach (var service in configuration.Services.Where(static service => service.Line.Command == "postern"))
        {
            if (service.IsJailed)
                yield return HostCheck.Problem(
                    ProblemSeverity.Warning, service.Origin, $"service {service.Name} runs in a chroot, where no page can be shown: {http} has figures for monitoring only, and 503 for people",
                    "write n in the fifth field of the line, chroot");
        }

        if (process.HttpTokenFile is not { } tokens)
            yield break;
        List<string> problems = [];
        SafeFile.As(keeper, () => problems = [.. new TokenFile(tokens).FindProblems()]);
        foreach (var problem in problems)
            yield return HostCheck.Problem(
                ProblemSeverity.Degraded, ConfigOrigin.NamedIn(problem) ?? HostCheck.OriginOf(configuration, Tokens), $"{Tokens}: {problem}",
                "see docs/dashboard.md; until then nobody can allow, deny or forget clients on the page");
    }
}
