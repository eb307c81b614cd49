using Postern.Core.Config;
using Postern.ProcessLife;

namespace Postern.Checks;

/// <summary>
/// What <c>postern serve</c> would find on this machine with a configuration, at its start or when the first client comes:
/// each step of the start is tried, and leaves nothing behind. In the words of serve's log.
/// </summary>
internal static class HostCheck
{
    /// <param name="configuration">Without errors.</param>
    public static IEnumerable<ConfigProblem> Find(Configuration configuration) =>
        [.. PortCheck.Find(configuration), .. FindElsewhere(configuration)];

    /// <summary>All but the ports, which another program may have for the moment.</summary>
    public static IEnumerable<ConfigProblem> FindElsewhere(Configuration configuration)
    {
        var keeper = Privileges.KeeperOf(configuration.Process!.MailOwner);
        return
        [
            .. FileCheck.Find(configuration, keeper),
            .. AllowlistCheck.Find(configuration, keeper),
            .. PageCheck.Find(configuration, keeper),
            .. ServerCheck.Find(configuration, keeper),
            .. RelayCheck.Find(configuration),
            .. CertificateCheck.Find(configuration),
            .. FindLimits(),
        ];
    }

    /// <summary>Where a parameter of the process has its value from; null: it has its default.</summary>
    public static ConfigOrigin? OriginOf(Configuration configuration, string parameter) => configuration.Entries.GetValueOrDefault(parameter)?.Origin;

    /// <summary>Something to change in the line of a parameter.</summary>
    public static ConfigProblem Problem(ProblemSeverity severity, ConfigOrigin? origin, string text, string remedy) =>
        new(severity, origin?.File, origin?.Line ?? 0, text, remedy);

    private static IEnumerable<ConfigProblem> FindLimits()
    {
        _ = ProcessLimits.RaiseOpenFiles(out var problem);
        return problem is null ? [] : [Problem(ProblemSeverity.Warning, null, problem, "raise the limit where the service is started: LimitNOFILE in its unit, or ulimit -n")];
    }
}
