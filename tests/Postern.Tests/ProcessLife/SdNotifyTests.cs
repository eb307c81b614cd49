using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Postern.ProcessLife;
using Postern.Tests.Logging;

namespace Postern.Tests.ProcessLife;

public sealed class SdNotifyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Warnings _warnings = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void States_arrive_on_paths_and_abstract_names(bool isAbstract)
    {
        var name = isAbstract ? "postern-test-" + Guid.NewGuid().ToString("N") : _folder["notify"];
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 5000 };
        manager.Bind(new UnixDomainSocketEndPoint(isAbstract ? "\0" + name : name));
        using var notify = new SdNotify(isAbstract ? "@" + name : name, _warnings);

        var before = Stopwatch.GetTimestamp() / 1000;
        notify.Ready();
        notify.Reloading();
        notify.Stopping();

        Assert.Equal("READY=1", Receive(manager));
        var reloading = Receive(manager).Split('\n');
        Assert.Equal("RELOADING=1", reloading[0]);
        Assert.StartsWith("MONOTONIC_USEC=", reloading[1], StringComparison.Ordinal);
        var time = long.Parse(reloading[1]["MONOTONIC_USEC=".Length..], CultureInfo.InvariantCulture);
        Assert.InRange(time, before, Stopwatch.GetTimestamp() / 1000);
        Assert.Equal("STOPPING=1", Receive(manager));
        Assert.Empty(_warnings.Texts);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Without_a_service_manager_nothing_happens(string? address)
    {
        using var notify = new SdNotify(address, _warnings);

        notify.Ready();
        notify.Stopping();

        Assert.Empty(_warnings.Texts);
    }

    [Fact]
    public void A_missing_or_impossible_socket_is_a_warning_and_no_more()
    {
        using var missing = new SdNotify(_folder["missing"], _warnings);
        using var tooLong = new SdNotify("/" + new string('x', 200), _warnings);

        missing.Ready();
        tooLong.Ready();

        Assert.Equal(
            [
                $"cannot connect to NOTIFY_SOCKET {_folder["missing"]}: No such file or directory",
                $"NOTIFY_SOCKET is too long: /{new string('x', 200)}",
            ],
            _warnings.Texts);
    }

    [Fact]
    public void A_service_manager_that_went_away_is_a_warning()
    {
        var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(_folder["notify"]));
        using var notify = new SdNotify(_folder["notify"], _warnings);
        manager.Dispose();

        notify.Stopping();

        Assert.Equal(["cannot tell the service manager STOPPING=1: Connection refused"], _warnings.Texts);
    }

    private static string Receive(Socket manager)
    {
        var buffer = new byte[1024];
        return Encoding.ASCII.GetString(buffer, 0, manager.Receive(buffer));
    }
}
