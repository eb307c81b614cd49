using Postern.Core;
using Postern.Core.Config;
using Postern.Handoff;
using Postern.Logging;
using Postern.Loop;

namespace Postern.Tests.Loop;

public sealed class ClientRegisterTests
{
    [Fact]
    public void Who_is_told_from_now_on_does_not_get_those_that_have_left_before()
    {
        var clock = new LoopClock(TimeProvider.System);
        using var log = new MailLog(new Nowhere(), new LogOptions(), TimeProvider.System);
        var register = new ClientRegister(new ClientTable(), new ProxyGate(1), clock, new LoopLog(log, LogTags.For("postfix").Postscreen, clock));
        var service = new RunningService { Name = "smtp", Settings = new Settings(), Allowlist = null, Handoff = null };
        var told = new List<string>();

        register.ClientsLeft = sessions => told.Add($"first {sessions[0].ClientPort}");
        Leave(1);
        register.ClientsLeft = sessions => told.Add($"second {sessions[0].ClientPort}"); // a reload, before the round ends
        Leave(2);
        register.ClientsLeft = null;
        Leave(3);
        register.TellWhoLeft();

        Assert.Equal(["first 1", "second 2"], told);

        void Leave(ushort port)
        {
            var client = register.Enter(-1, service);
            register.Name(client, Ip.Of("192.0.2.7"), port, new Endpoint(Ip.Of("192.0.2.25"), 25));
            service.Load.ClientArrived(service.Settings, new());
            register.Leave(client);
        }
    }

    [Fact]
    public void Sessions_that_servers_have_are_counted_by_network_until_they_end()
    {
        var clock = new LoopClock(TimeProvider.System);
        using var log = new MailLog(new Nowhere(), new LogOptions(), TimeProvider.System);
        var register = new ClientRegister(new ClientTable(), new ProxyGate(1), clock, new LoopLog(log, LogTags.For("postfix").Postscreen, clock));
        var receiver = new SessionCounts(100);
        var service = new RunningService { Name = "smtp", Settings = new Settings(), Allowlist = null, Handoff = new DescriptorPassing("/x", "x") { Sessions = receiver } };

        var relayed = Connect("2001:db8:1:2::1");
        register.BeginHandOff(relayed, ClientState.BeingRelayed, "tcp:x");
        register.BeginRelay(relayed);
        receiver.Enter(Ip.Of("2001:db8:1:2::2"));
        receiver.Enter(Ip.Of("2001:db8:1:3::2"));

        Assert.Equal((1, 3), Counts(Connect("2001:db8:1:2::3"))); // (of the address under test, of the network in all)
        Assert.Equal((2, 4), Counts(Connect("2001:db8:1:2::3")));
        Assert.Equal((1, 2), Counts(Connect("2001:db8:1:3::3")));
        Assert.Equal((1, 1), Counts(Connect("192.0.2.7")));

        register.Leave(relayed);
        receiver.Leave(Ip.Of("2001:db8:1:2::2"));
        Assert.Equal((1, 3), Counts(Connect("2001:db8:1:2::4")));
        Assert.Equal(1, receiver.Total);

        static (int, int) Counts(Client client) => (client.Session.Client.Concurrency, client.Session.Client.SessionsOfNetwork);

        Client Connect(string address)
        {
            var client = register.Enter(-1, service);
            register.Name(client, Ip.Of(address), 40000, new Endpoint(Ip.Of("192.0.2.25"), 25));
            return client;
        }
    }

    [Fact]
    public void A_clock_that_is_set_back_does_not_change_how_long_a_client_was_there()
    {
        var time = new SetClock();
        var clock = new LoopClock(time);
        using var log = new MailLog(new Nowhere(), new LogOptions(), time);
        var register = new ClientRegister(new ClientTable(), new ProxyGate(1), clock, new LoopLog(log, LogTags.For("postfix").Postscreen, clock));
        var service = new RunningService { Name = "smtp", Settings = new Settings(), Allowlist = null, Handoff = null };
        var lasted = new List<TimeSpan>();
        register.ClientsLeft = sessions => lasted.Add(sessions[0].Facts!.Ended - sessions[0].Facts!.Connected);

        var client = register.Enter(-1, service);
        register.Name(client, Ip.Of("192.0.2.7"), 40000, new Endpoint(Ip.Of("192.0.2.25"), 25));
        service.Load.ClientArrived(service.Settings, new());
        time.Pass(TimeSpan.FromSeconds(7));
        time.SetBy(TimeSpan.FromDays(-1));
        clock.Read();
        register.Leave(client);
        register.TellWhoLeft();

        Assert.Equal([TimeSpan.FromSeconds(7)], lasted);
    }

    private sealed class SetClock : TimeProvider
    {
        private long _ticks = TimeSpan.TicksPerDay;
        private TimeSpan _setBy;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(1_800_000_000) + TimeSpan.FromTicks(_ticks) + _setBy;

        public void Pass(TimeSpan time) => _ticks += time.Ticks;

        public void SetBy(TimeSpan time) => _setBy += time;
    }

    private sealed class Nowhere : ILogDestination
    {
        public bool IsSyslog => false;

        public int Write(ReadOnlySpan<byte> lines) => lines.Length;

        public bool WaitForRoom(int milliseconds) => false;

        public void Reopen()
        {
        }

        public string? TakeWarning() => null;

        public void Dispose()
        {
        }
    }
}
