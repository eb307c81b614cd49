using System.Net;
using Postern.Control;
using Postern.Core;
using Postern.Core.Config;
using Postern.Native;

namespace Postern.Checks;

/// <summary>Whether the ports of a configuration are free, or ours already.</summary>
internal static class PortCheck
{
    private const string PostfixMaster = "master";

    public static IEnumerable<ConfigProblem> Find(Configuration configuration)
    {
        var daemon = configuration.Process!.ControlSocket is { } socket ? ControlClient.FindProcess(socket) : null;
        foreach (var service in configuration.Services)
        {
            foreach (var (address, port) in service.Endpoints)
            {
                var endpoint = new Endpoint(address, (ushort)port);
                if (Try(endpoint, daemon, out var error, out var owner) || (owner is { Name: PostfixMaster } && service.Line.Command == "postern"))
                    continue;
                yield return owner is { Name: PostfixMaster }
                    ? HostCheck.Problem(ProblemSeverity.Warning, service.Origin, InetSocket.Refusal(endpoint, error), "Postfix's master has it: postern serve can have it when Postfix runs this line no more; see docs/moving-from-postscreen.md")
                    : HostCheck.Problem(ProblemSeverity.Degraded, service.Origin, InetSocket.Refusal(endpoint, error), RemedyFor(owner, "another address or port in the first field of the line"));
            }
        }

        if (configuration.Process.Http is not { } http || Try(new Endpoint(http.Address, (ushort)http.Port), daemon, out var refusal, out var holder))
            yield break;
        var place = new IPEndPoint(IPAddress.Parse(http.Address.ToString()), http.Port);
        yield return HostCheck.Problem(
            ProblemSeverity.Degraded, HostCheck.OriginOf(configuration, "postern_http"), $"postern_http: cannot listen on {place}: {Errno.Text(refusal)} -- there will be no figures for monitoring",
            RemedyFor(holder, "another port in postern_http"));
    }

    private static string RemedyFor(PortOwner? owner, string otherwise) => owner is { } known ? $"stop {known.Name} (process {known.Process}), or write {otherwise}" : $"write {otherwise}, or free the port";

    /// <returns>Whether it is free, or the running daemon's, or not for us to try.</returns>
    private static bool Try(Endpoint endpoint, int? daemon, out int error, out PortOwner? owner)
    {
        owner = null;
        var descriptor = InetSocket.Bind(endpoint, out error);
        if (descriptor >= 0)
        {
            _ = Libc.close(descriptor);
            return true;
        }

        if (Libc.geteuid() != 0 && endpoint.Port < 1024)
            return true; // that is for root to try
        owner = PortOwner.Find(endpoint.Port);
        return daemon is { } process && (owner is null || owner.Value.Process == process);
    }
}
