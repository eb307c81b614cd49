using Postern.Core;
using Postern.Core.Config;
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
