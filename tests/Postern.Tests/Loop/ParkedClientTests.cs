using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Lanes;
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
        var service = new RunningService { Name = "smtp", Settings = settings, Allowlist = null, Handoff = new DescriptorPassing("/nowhere", "nowhere") };
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
            session.OnConnected(null, new Moment(DateTimeOffset.FromUnixTimeSeconds(1_800_000_000), false), actions);
        }
    }

    /// <summary>The name is known while it is looked up, and by nobody after that.</summary>
    [Fact]
    public void A_client_in_a_slow_lane_costs_no_more_than_a_parked_one()
    {
        var settings = new Settings
        {
            AllowlistInterfaces = MatchList.Everything,
            PreQueueLimit = 10_000,
            Lanes = new LaneSettings { Waits = new(TimeSpan.FromSeconds(85), default, default), Rules = new RdnsRules { BigSenders = new NameSuffixes(["big.example"]) } },
        };
        var load = new ServiceLoad();
        var actions = new SessionActions();
        var name = new ReverseName(ReverseNameStatus.Confirmed, "adsl12.isp.example");
        var sessions = Enumerable.Range(0, 1001).Select(i => new Session(settings, load, new ClientAddressState(IpAddress.FromIPv4(0xc0000200 + (uint)i)), 40000, new Endpoint(Ip.Of("192.0.2.25"), 25))).ToArray();
        foreach (var session in sessions)
            Do(() => session.OnConnected(null, At(0), actions));
        Do(() => Stand(sessions[0]));

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 1; i < sessions.Length; i++)
        {
            actions.Clear();
            Stand(sessions[i]);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(sessions.Length, load.Lanes.Standing);

        void Stand(Session session)
        {
            session.OnReverseName(name, actions);
            session.OnTimer(At(6), actions);
        }

        void Do(Action action)
        {
            actions.Clear();
            action();
        }

        static Moment At(int seconds) => new(DateTimeOffset.FromUnixTimeSeconds(1_800_000_000 + seconds), false);
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
