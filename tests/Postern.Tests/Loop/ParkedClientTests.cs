using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Screening;
using Postern.Core.Tables;
using Postern.Handoff;
using Postern.Loop;

namespace Postern.Tests.Loop;

public sealed class ParkedClientTests
{
    /// <summary>What a client allocates from its connection until it waits; the objects it is made of, and nothing besides.</summary>
    [Fact]
    public void A_parked_client_costs_no_more_than_its_three_objects()
    {
        var clients = new Client[1000];
        var warnings = new SessionActions();
        var catalog = new TableCatalog(new NoFiles());
        var settings = new Settings
        {
            AccessList = AccessList.Parse("permit_mynetworks", MatchList.Parse("postscreen_access_list", "127.0.0.0/8, [::1]/128", catalog, warnings, out _)!, null, catalog, warnings),
            AllowlistInterfaces = MatchList.Parse("postscreen_allowlist_interfaces", "static:all", catalog, warnings, out _)!,
            PreQueueLimit = clients.Length + 1,
        };
        var service = new RunningService { Settings = settings, Allowlist = null, Handoff = new DescriptorPassing("/nowhere", "nowhere") };
        var server = new Endpoint(Ip.Of("192.0.2.25"), 25);
        var actions = new SessionActions();
        Park(0);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 1; i < clients.Length; i++)
            Park(i);
        var each = (GC.GetAllocatedBytesForCurrentThread() - before) / (clients.Length - 1);

        Assert.InRange(each, 1, 248);

        void Park(int i)
        {
            var state = new ClientAddressState(IpAddress.FromIPv4(0xc0000200 + (uint)i)) { Concurrency = 1 };
            var session = new Session(service.Settings, service.Load, state, 40000, server);
            clients[i] = new Client(3, service, session);
            actions.Clear();
            session.OnConnected(null, new Moment(DateTimeOffset.UnixEpoch, false), actions);
        }
    }

    private sealed class NoFiles : ITextFiles
    {
        public bool TryRead(string path, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out TextFile? file, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? reason)
        {
            (file, reason) = (null, "No such file or directory");
            return false;
        }

        public FileStamp? Stamp(string path) => null;
    }
}
