using System.Net.Sockets;
using Postern.Control;
using Postern.Core.Config;
using Postern.Dashboard;
using Postern.Storage;
using Postern.Tables;

namespace Postern.Cli;

/// <summary><c>postern dashboard</c>: the process that shows pages to people; the daemon starts it (<see cref="PageServer"/>).</summary>
internal static class DashboardVerb
{
    /// <param name="directory">Such as <c>/etc/postfix</c>.</param>
    /// <param name="channel">The abstract name of the daemon's UNIX socket, without its NUL.</param>
    /// <returns>The exit status.</returns>
    public static int Run(string directory, string channel)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint("\0" + channel));
        var host = HostFactsReader.Read();
        var process = Configuration.Load(directory, new TextFiles(), host, HostTableTypes.For).Process;
        if (process is null)
            return 1; // the daemon has better settings than the files by now; the page will be asked for again
        var facts = new DashboardFacts(
            process.ControlSocket is { } control ? new ControlClient(control) : null,
            process,
            () => ParameterListing.Load(directory, new TextFiles(), host, service: null, overrides: []));
        new DashboardServer(socket, facts, new LogReports(process, TimeProvider.System)).Run();
        return 0;
    }
}
