using System.Globalization;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Postern.Interop.Tests;

/// <summary>In postscreen's place in a master.cf of Postfix's: its master listens, starts us and sees to the next process.</summary>
[Collection(nameof(InteropCollection))]
public sealed class MasterTests
{
    private const string Line = "PORT inet n - n - 1 postern";

    [Fact]
    public void A_mail_goes_through_and_reload_lets_parked_clients_finish_while_the_next_process_serves()
    {
        using var host = MailHost.UnderMaster([Line], "postscreen_greet_wait = 6s");
        using var parked = host.Connect("127.0.6.1");
        Assert.StartsWith("220-mail.lab.example", parked.ReadLine());
        var first = ServedBy(host, "127.0.6.1");
        Assert.All(host.ProcessesOf("postern"), id => Assert.Matches($@"\nUid:\t{UserOf(MailHost.Owner)}\t", File.ReadAllText($"/proc/{id}/status")));

        host.ReloadPostfix();
        host.WaitForLog($"postern[{first}]: let go by the master: finishing 1 clients in the background");
        using var late = host.Connect("127.0.6.2");
        Assert.StartsWith("220-mail.lab.example", late.ReadLine());
        Assert.NotEqual(first, ServedBy(host, "127.0.6.2"));
        Assert.StartsWith("220 ", parked.ReadReply());
        Assert.StartsWith("250 2.0.0 Ok: queued", parked.SendMail("a@good.example", "b@lab.example", "through the reload"));

        Wait.Until(() => !host.ProcessesOf("postern").Contains(first), () => "the old process stays: " + host.Log);
        host.WaitForMails(1);
        Assert.Matches(@"PASS NEW \[127\.0\.6\.1\]", host.Log);
    }

    [Fact]
    public void Stop_ends_it_and_what_it_knows_is_there_at_the_next_start()
    {
        using var host = MailHost.UnderMaster([Line]);
        Greet(host, "127.0.6.3");
        host.StopPostfix();
        Assert.Throws<SocketException>(() => host.Connect("127.0.6.4").Dispose());
        Wait.Until(() => host.ProcessesOf("postern").Count == 0, () => "it goes on after postfix stop: " + host.Log);

        host.StartPostfix();
        Greet(host, "127.0.6.3");

        host.WaitForLog("PASS OLD [127.0.6.3]");
    }

    [Fact]
    public void A_killed_process_is_replaced_and_an_idle_one_ends_until_it_is_needed()
    {
        using var host = MailHost.UnderMaster([Line], "max_idle = 4s");
        Greet(host, "127.0.6.5");
        var first = ServedBy(host, "127.0.6.5");

        Tool.Must("kill", "-9", first.ToString(CultureInfo.InvariantCulture));
        host.WaitForLog("killed by signal 9");
        Greet(host, "127.0.6.6");
        Assert.NotEqual(first, ServedBy(host, "127.0.6.6"));

        Wait.Until(() => host.ProcessesOf("postern").Count == 0, () => "it does not end when idle: " + host.Log);
        Greet(host, "127.0.6.7");
        host.WaitForLog("PASS NEW [127.0.6.7]");
        Assert.DoesNotContain("throttling", host.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_lines_have_overrides_of_their_own_and_share_the_allowlist()
    {
        var second = MailHost.FreePort();
        using var host = MailHost.UnderMaster(
            [Line + " -o postscreen_greet_banner=first", $"127.0.0.1:{second} inet n - n - 1 postern -o {{ postscreen_greet_banner = the second }} -o syslog_name=postfix/back"]);

        using (var talk = host.Connect("127.0.6.8"))
        {
            Assert.Equal("220-first", talk.ReadLine());
            Assert.StartsWith("220 mail.lab.example", talk.ReadLine());
        }

        using (var talk = new SmtpTalk(second, "127.0.6.9"))
        {
            Assert.Equal("220-the second", talk.ReadLine());
            host.WaitForLog("CONNECT from [127.0.6.9]");
        }

        // What one process has learnt the other knows within about a second.
        Wait.Until(
            () =>
            {
                using var again = new SmtpTalk(second, "127.0.6.8");
                return again.ReadLine()!.StartsWith("220 ", StringComparison.Ordinal);
            },
            () => "the second service does not know the first one's client: " + host.Log);
        foreach (var line in (string[])[@" mail postfix/postscreen\[\d+\]: CONNECT from \[127\.0\.6\.8\]", @" mail postfix/back/postscreen\[\d+\]: PASS OLD \[127\.0\.6\.8\]"])
            Wait.Until(() => Regex.IsMatch(host.Log, line), () => $"{line} is not in the log: {host.Log}"); // by way of postlogd
    }

    /// <summary>A program that is no link, its control socket and its allowlist: <c>postfix check</c> looks at all of these folders.</summary>
    [Theory]
    [InlineData("$data_directory/control")]
    [InlineData("$queue_directory/private/postern-control")]
    [InlineData("$queue_directory/public/postern-control")]
    public void Postfix_check_has_nothing_to_say_about_it(string socket)
    {
        using var host = MailHost.UnderMaster([Line], "postern_control_socket = " + socket);
        Greet(host, "127.0.6.13");

        var (status, output) = Tool.Run("postfix", "-c", Path.Combine(host.Directory, "postfix"), "check");

        Assert.True(status == 0, output);
        Assert.DoesNotContain((output + host.Log).Split('\n'), line => line.Contains("warning", StringComparison.Ordinal) && line.Contains(host.Directory, StringComparison.Ordinal) && !line.Contains("unused parameter", StringComparison.Ordinal));
        Assert.Equal(0, PosternProcess.Run("allowlist", "show", "127.0.6.13", "-c", Path.Combine(host.Directory, "postfix")).Status);
    }

    [Theory]
    [InlineData("btree")]
    [InlineData("lmdb")]
    public void In_the_chroot_it_passes_clients_on_and_keeps_its_allowlist_outside(string type)
    {
        Assert.SkipWhen(PosternProcess.Command.Count > 1, "needs POSTERN_BINARY to name a native postern: in a chroot the runtime finds no assemblies");
        using var host = MailHost.UnderMaster(["PORT inet n - y - 1 postern"], "max_idle = 4s", $"postscreen_cache_map = {type}:$data_directory/postscreen_cache");

        using (var talk = host.Connect("127.0.6.10"))
        {
            talk.ExpectGreeting();
            Assert.Equal(Path.Combine(host.Directory, "queue"), Tool.Must("readlink", $"/proc/{ServedBy(host, "127.0.6.10")}/root").Trim());
            Assert.StartsWith("250 2.0.0 Ok: queued", talk.SendMail("a@good.example", "b@lab.example", "out of the jail"));
            Assert.Equal($"socket {MailHost.Owner} 600", Tool.Must("stat", "-c", "%F %U %a", Path.Combine(host.DataDirectory, "control")).Trim()); // made by root, before the jail
            Assert.Equal(0, PosternProcess.Run("allowlist", "show", "127.0.6.10", "-c", Path.Combine(host.Directory, "postfix")).Status);
        }

        host.WaitForMails(1);
        if (type == "lmdb")
        {
            // What another process has just written is looked up in the file, which the jail has not.
            var record = $"127.0.6.14\t{DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds()};1;1;1;1";
            Tool.Must("sh", "-c", $"echo '{record}' | postmap -c {host.Directory}/postfix -f -i lmdb:{host.DataDirectory}/postscreen_cache");
            Greet(host, "127.0.6.14");
            host.WaitForLog("PASS OLD [127.0.6.14]");
        }

        Wait.Until(() => host.ProcessesOf("postern").Count == 0, () => "it does not end when idle: " + host.Log);
        Greet(host, "127.0.6.10");
        host.WaitForLog("PASS OLD [127.0.6.10]");
        Assert.Equal(0, host.Count("warning: " + type));
    }

    [Theory]
    [InlineData('n', "unix:private/smtpd-live", "none")]
    [InlineData('n', "tcp", "encrypt")]
    [InlineData('y', "unix:private/smtpd-live", "none")]
    [InlineData('y', "tcp", "none")]
    [InlineData('y', "tcp", "verify")]
    public void A_new_client_goes_on_to_a_relay_target_in_the_same_session(char chroot, string target, string tls)
    {
        Assert.SkipWhen(chroot == 'y' && PosternProcess.Command.Count > 1, "needs POSTERN_BINARY to name a native postern: in a chroot the runtime finds no assemblies");
        var port = MailHost.FreePort();
        using var certificates = new Certificates();
        using var host = MailHost.UnderMaster(
            [
                $"PORT inet n - {chroot} - 1 postern",
                "smtpd-live unix - - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy",
                $"127.0.0.1:{port} inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy",
            ],
            [
                .. certificates.Settings, "postscreen_bare_newline_enable = yes", "postscreen_pipelining_enable = yes",
                "postern_live_target = relay:" + (target == "tcp" ? $"tcp:127.0.0.1:{port}" : target),
                $"postern_relay_tls = {tls}", $"postern_relay_tls_CAfile = {certificates.RootFile}",
            ]);

        using (var talk = host.Connect("127.0.6.12"))
        {
            talk.ExpectGreeting();
            var reply = talk.SendMail("a@good.example", "b@lab.example", "relayed");
            Assert.True(reply?.StartsWith("250 2.0.0 Ok: queued", StringComparison.Ordinal) == true, reply + host.LogEnd);
        }

        host.WaitForMails(1);
        host.WaitForLog("relayed [127.0.6.12]:");
        Assert.Equal(1, host.Count("PASS NEW [127.0.6.12]:"));
        Assert.Equal(1, host.Count("client=unknown[127.0.6.12]"));
        Assert.Equal(0, host.Count("NOQUEUE: reject"));
        Assert.Equal(tls == "none" ? 0 : 1, host.Count("TLS connection established from unknown[127.0.6.12]"));
    }

    [Theory]
    [InlineData("PORT inet n - n - 2 postern", "fatal: service 127.0.0.1:PORT requires a process limit of 1")]
    [InlineData(Line + " -o postscreen_greet_action=boo", "fatal: bad postscreen_greet_action value: boo")]
    public void What_is_wrong_is_one_fatal_line_and_the_master_throttles(string line, string expected)
    {
        using var host = MailHost.UnderMaster([line]);
        using var talk = host.Connect("127.0.6.11");

        host.WaitForLog("postern: bad command startup -- throttling");

        expected = expected.Replace("PORT", host.Port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        Assert.Matches($@" mail postfix/postscreen\[\d+\]: {Regex.Escape(expected)}\n", host.Log);
        Assert.Contains("exit status 1", host.Log, StringComparison.Ordinal);
        Assert.Equal(1, host.Count("]: fatal: "));
    }

    /// <summary>A client that waits for its greeting and leaves.</summary>
    private static void Greet(MailHost host, string client)
    {
        using var talk = host.Connect(client);
        talk.ExpectGreeting();
        talk.Say("QUIT", "221");
    }

    /// <summary>The process that took this client last.</summary>
    private static int ServedBy(MailHost host, string client)
    {
        host.WaitForLog($"CONNECT from [{client}]");
        var line = Regex.Matches(host.Log, $@"postscreen\[(\d+)\]: CONNECT from \[{Regex.Escape(client)}\]").Last();
        return int.Parse(line.Groups[1].Value, CultureInfo.InvariantCulture);
    }

    private static string UserOf(string name) => Tool.Must("id", "-u", name).Trim();
}
