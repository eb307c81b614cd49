using System.Globalization;

namespace Postern.Interop.Tests;

/// <summary>
/// Slow lanes with a real name server (dnsmasq), a real Postfix that sends, and swaks.
/// <c>POSTERN_LANE_SECONDS</c> sets how long the honest sender has to wait: 65 is Starpit's first choice, and slow.
/// </summary>
[Collection(nameof(InteropCollection))]
public sealed class SlowLaneTests : IDisposable
{
    private const string Impatient = "127.0.5.61", Server = "127.0.5.62", Nameless = "127.0.5.63", Liar = "127.0.5.64";
    private static readonly int Seconds = int.Parse(Environment.GetEnvironmentVariable("POSTERN_LANE_SECONDS") ?? "4", CultureInfo.InvariantCulture);

    private Dnsmasq? _names;

    public void Dispose() => _names?.Dispose();

    [Fact]
    public void A_Postfix_with_an_end_users_name_waits_the_lane_out_and_delivers()
    {
        Tool.Require("smtp-source");
        using var host = Start($"postern_greet_wait_generic = {Seconds}s");
        using var sender = new SendingPostfix(host.Port);

        var (status, output) = Tool.Run("smtp-source", "-f", "a@good.example", "-t", "box@lab.example", $"127.0.0.1:{sender.Port}");
        Assert.True(status == 0, output);
        Wait.Until(() => host.MailCount == 1, () => $"no mail. The log ends:\n{host.LogEnd}\nThe sender's:\n{sender.Log}", TimeSpan.FromSeconds(Seconds + 60));

        Assert.Matches($@"postfix/postern\[\d+\]: LANE CLASS \[{SendingPostfix.Address}\]:\d+ generic rule=1 name=host-12-34\.isp\.lab\n", host.Log);
        Assert.Matches($@"LANE ENTER \[{SendingPostfix.Address}\]:\d+ generic rule=1 wait={Seconds}\n", host.Log);
        Assert.Matches($@"LANE WAITED \[{SendingPostfix.Address}\]:\d+ generic rule=1 wait={Seconds} after={Seconds}(\.\d+)?\n", host.Log);
        Assert.Contains($"PASS NEW [{SendingPostfix.Address}]:", host.Log, StringComparison.Ordinal);
        Wait.Until(() => sender.Log.Contains("status=sent", StringComparison.Ordinal), () => sender.Log);
        Assert.DoesNotContain("status=deferred", sender.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Swaks_hangs_up_is_greylisted_when_it_comes_back_and_is_let_in_in_the_end()
    {
        Tool.Require("swaks");
        using var host = Start("postern_greet_wait_generic = 60s", "postern_targrey = yes", "postern_targrey_delay = 1s");

        var (hungUp, _) = Swaks(host, "3s");
        Assert.NotEqual(0, hungUp);
        host.WaitForLog($"LANE QUIT [{Impatient}]"); // as swaks leaves when its patience is over

        // It comes back until it is let in; how often, depends on how fast this machine is.
        var refusals = 0;
        string output;
        for (; ; refusals++)
        {
            (var status, output) = Swaks(host, "30s");
            if (status == 0)
                break;
            Assert.Contains("450 4.7.1 Service currently unavailable; please try again later", output, StringComparison.Ordinal);
            Assert.True(refusals < 30, output + host.LogEnd);
        }

        Assert.InRange(refusals, 1, 29);
        host.WaitForMails(1);
        Assert.Matches($@"postfix/postern\[\d+\]: LANE GREYLISTED \[{Impatient}\]:\d+ generic rule=6 wait=60 after=\d+ refusals=1\n", host.Log);
        Assert.Matches($@"postfix/postscreen\[\d+\]: NOQUEUE: reject: RCPT from \[{Impatient}\]:\d+: 450 4\.7\.1 ", host.Log);
        Assert.Matches($@"LANE RETURNED \[{Impatient}\]:\d+ generic rule=6 wait=60 after=\d+ refusals=1\n", host.Log);
        Assert.Equal(refusals, host.Count($"LANE GREYLISTED [{Impatient}]"));
        Assert.Contains($"PASS NEW [{Impatient}]:", host.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_classes_have_other_waits_and_a_server_none()
    {
        using var host = Start("postern_greet_wait_none = 2s", "postern_greet_wait_unconfirmed = 3s", "postern_slow_lane_keepalive = 1s");
        string[] clients = [Server, Nameless, Liar];
        var talks = clients.Select(host.Connect).ToList();

        talks.ForEach(static talk => talk.ExpectGreeting());
        talks.ForEach(static talk => talk.Say("QUIT", "221"));
        talks.ForEach(static talk => talk.Dispose());

        Assert.Matches($@"LANE CLASS \[{Nameless}\]:\d+ none rule=0\n", host.Log);
        Assert.Matches($@"LANE WAITED \[{Nameless}\]:\d+ none rule=0 wait=2 ", host.Log);
        Assert.Matches($@"LANE CLASS \[{Liar}\]:\d+ unconfirmed rule=0 name=mail\.big\.lab\n", host.Log);
        Assert.Matches($@"LANE WAITED \[{Liar}\]:\d+ unconfirmed rule=0 wait=3 ", host.Log);
        Assert.DoesNotContain($"LANE CLASS [{Server}]", host.Log, StringComparison.Ordinal);
        Assert.All(clients, client => Assert.Contains($"PASS NEW [{client}]:", host.Log, StringComparison.Ordinal));

        host.Postern.Stop();
        Assert.Contains(
            $"slow lanes of service 127.0.0.1:{host.Port}: named class=1; unconfirmed class=1 enter=1 waited=1; none class=1 enter=1 waited=1\n", host.Log, StringComparison.Ordinal);
    }

    private static (int Status, string Output) Swaks(MailHost host, string timeout) => Tool.Run(
        "swaks", "--server", $"127.0.0.1:{host.Port}", "--local-interface", Impatient, "--timeout", timeout, "--helo", "swaks.example",
        "--from", "a@good.example", "--to", "box@lab.example");

    private MailHost Start(params string[] parameters)
    {
        _names = Dnsmasq.Start([("host-12-34.isp.lab", SendingPostfix.Address), ("adsl7.isp.lab", Impatient), ("mail.server.lab", Server)], [("mail.big.lab", Liar)]);
        var host = MailHost.WithPostfix(["postscreen_greet_action = enforce", .. parameters]);
        host.UseResolvConf(_names.ResolvConf);
        host.StartPostern();
        return host;
    }
}
