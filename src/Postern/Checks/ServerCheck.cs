using Postern.Core.Config;
using Postern.Native;

namespace Postern.Checks;

/// <summary>Whether the program that Postfix is to start is there, and the server that clients are given to.</summary>
internal static class ServerCheck
{
    /// <param name="keeper">Who the daemon becomes; null: nobody else.</param>
    public static IEnumerable<ConfigProblem> Find(Configuration configuration, FileKeeper? keeper)
    {
        var process = configuration.Process!;
        var program = process.DaemonDirectory + "/postern";
        foreach (var service in configuration.Services)
        {
            if (service.Line.Command == "postern" && configuration.IsOfPostfix && PathTrial.Run(program) is { } missing)
                yield return HostCheck.Problem(
                    ProblemSeverity.Degraded, service.Origin, $"service {service.Name}: Postfix's master cannot run {program}: {missing.Text}",
                    $"put postern there: install -m 0755 PROGRAM {program}; until then nobody answers on the port");
            if (service is { Handoff: HandoffTarget.Receiver, IsJailed: true, Line.Command: "postern" })
                yield return HostCheck.Problem(
                    ProblemSeverity.Degraded, service.Origin, "the built-in receiver keeps its mail outside of the queue directory: write n in the fifth field of master.cf, chroot",
                    "write n there, or say in postern.cf where clients go (postern_handoff)");
            if (service.Handoff is HandoffTarget.Pass(var socket) && FindPassProblem(socket, keeper) is { } reason)
                yield return HostCheck.Problem(
                    ProblemSeverity.Warning, service.OriginOf("postern_handoff") ?? service.OriginOf("smtpd_service_name") ?? service.Origin,
                    $"cannot connect to service {NameOf(socket, process.QueueDirectory)}: {reason}", "start Postfix, whose master listens there; until then clients that pass get 421");
        }
    }

    // Who connects wakes a server for nothing, which would log that. The kernel's list says who listens, by the path as it was bound.
    private static string? FindPassProblem(string socket, FileKeeper? keeper)
    {
        if (PathTrial.Use(socket, keeper) is { } refusal)
            return refusal.Text;
        const string ListensFlag = "00010000";
        try
        {
            var isServed = File.ReadLines("/proc/net/unix").Select(static line => line.Split(' ', 8, StringSplitOptions.RemoveEmptyEntries))
                .Any(words => words is [_, _, _, ListensFlag, _, _, _, var path] && (path == socket || socket.EndsWith("/" + path, StringComparison.Ordinal)));
            return isServed ? null : Errno.Text(Errno.ECONNREFUSED);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null; // without /proc it cannot be told
        }
    }

    /// <summary>As log lines name the socket: relative to the queue directory where it lies in there.</summary>
    private static string NameOf(string socket, string queueDirectory) =>
        socket.StartsWith(queueDirectory + "/", StringComparison.Ordinal) ? socket[(queueDirectory.Length + 1)..] : socket;
}
