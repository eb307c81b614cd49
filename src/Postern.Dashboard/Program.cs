using System.Net.Sockets;
using Postern.Cli;
using Postern.Control;
using Postern.Core.Config;
using Postern.Dashboard;
using Postern.Storage;
using Postern.Tables;

// The process that shows pages to people. The daemon starts it (PageServer) and names the folder of its configuration, and its
// UNIX socket by the abstract name without NUL.
if (args is not [var directory, var channel])
{
    Console.Error.WriteLine("postern-dashboard is started by postern, when somebody opens the page of postern_http.");
    return 2;
}

using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
socket.Connect(new UnixDomainSocketEndPoint("\0" + channel));
var host = HostFactsReader.Read();
var configuration = Configuration.Load(directory, new TextFiles(), host, HostTableTypes.For);
if (configuration.Process is not { } process)
    return 1; // the daemon has better settings than the files by now; the page will be asked for again
var facts = new DashboardFacts(
    process.ControlSocket is { } control ? new ControlClient(control) : null,
    process,
    () => ParameterListing.Load(directory, new TextFiles(), host, service: null, overrides: []));
new DashboardServer(socket, facts, new LogReports(process, TimeProvider.System), new SecretLists(configuration.Services)).Run();
return 0;
