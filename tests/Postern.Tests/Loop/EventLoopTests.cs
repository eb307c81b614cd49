using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Storage;

namespace Postern.Tests.Loop;

public sealed class EventLoopTests
{
    private static readonly Settings Quick = new()
    {
        GreetBanner = "mx ESMTP",
        GreetWait = TimeSpan.FromMilliseconds(50),
        GreetAction = FailAction.Enforce,
    };

    private static readonly Settings Untested = Quick with { GreetBanner = "" };

    [Fact]
    public void A_patient_client_is_handed_off_with_postscreens_bytes()
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(Quick, server.Path);
        using var client = harness.Connect();

        Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(client));

        var (attributes, given) = server.Next();
        var port = ((System.Net.IPEndPoint)client.LocalEndPoint!).Port;
        Assert.Equal($"client_address|127.0.0.1|client_port|{port}|server_address|127.0.0.1|server_port|{harness.Port}||", attributes);
        given.Send("220 mx real\r\n"u8);
        Assert.Equal("220 mx real\r\n", LoopHarness.ReadLine(client));
        harness.WaitForLog($"PASS NEW [127.0.0.1]:{port}\n");
    }

    [Fact]
    public void A_client_waits_for_the_stores_answer_while_others_are_served()
    {
        var allowlist = new MemoryAllowlist { CanAsk = true };
        using var server = new PassServer();
        using var harness = new LoopHarness(Quick with { GreetWait = TimeSpan.FromMinutes(5) }, server.Path, allowlist: allowlist);
        harness.Loop.Allowlists = [allowlist];
        using var client = harness.Connect();
        (IpAddress Address, ulong Client) question = default;
        LoopHarness.Until(() => allowlist.Questions.TryDequeue(out question), "the store is not asked");

        allowlist.Answers.Enqueue(new AllowlistAnswer(question.Client + (1UL << 32), question.Address, default(TestExpiry))); // of a client that is gone
        allowlist.Answers.Enqueue(new AllowlistAnswer(question.Client, question.Address, new TestExpiry(CacheRecord.Seconds(DateTimeOffset.UtcNow.AddHours(1)), 1, 1, 1, 1)));
        harness.Loop.Wake();

        // Known in time, or tested for five minutes if this machine took longer than the client waits.
        LoopHarness.Until(() => harness.LogText.Contains("PASS OLD [127.0.0.1]", StringComparison.Ordinal) || Sent(client), "no answer arrived");
        Assert.Equal(Ip.Of("127.0.0.1"), question.Address);

        static bool Sent(Socket client) => client.Available > 0;
    }

    [Fact]
    public void A_passed_session_never_wakes_the_daemon_again()
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(Quick, server.Path);
        using var client = harness.Connect();
        var given = server.Next().Client;
        LoopHarness.Until(() => harness.Loop.ClientCount == 0, "the server's taking over was not noticed");
        LoopHarness.ReadLine(client);
        var before = harness.Loop.Rounds;

        var packet = new byte[100];
        for (var i = 0; i < 1000; i++)
        {
            client.Send(packet);
            for (var got = 0; got < packet.Length;)
                got += given.Receive(packet, got, packet.Length - got, SocketFlags.None);
            given.Send(packet);
            for (var got = 0; got < packet.Length;)
                got += client.Receive(packet, got, packet.Length - got, SocketFlags.None);
        }

        Assert.Equal(before, harness.Loop.Rounds);
    }

    [Fact]
    public void Early_bytes_that_are_ignored_reach_the_server()
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(Quick with { GreetAction = FailAction.Ignore, GreetWait = TimeSpan.FromMinutes(1) }, server.Path);
        using var client = harness.Connect();

        client.Send("EHLO early\r\n"u8);

        var given = server.Next().Client;
        var buffer = new byte[100];
        Assert.Equal("EHLO early\r\n", Encoding.ASCII.GetString(buffer, 0, given.Receive(buffer)));
    }

    [Fact]
    public void Our_copy_of_the_clients_socket_is_gone_when_the_server_closes_it()
    {
        using var server = new PassServer(takesClients: false);
        using var harness = new LoopHarness(Untested, server.Path);
        using var client = harness.Connect();
        harness.WaitForLog("CONNECT");
        server.TakeClients();
        var given = server.Next().Client;

        given.Dispose();

        Assert.Equal("", LoopHarness.ReadLine(client)); // EOF, though the loop may not have noticed the take-over yet
    }

    [Fact]
    public void With_no_server_a_client_without_teaser_gets_421_as_greeting()
    {
        using var harness = new LoopHarness(Untested, "/nonexistent/private/smtpd");
        using var client = harness.Connect();

        Assert.Equal("421 4.3.2 All server ports are busy\r\n", LoopHarness.ReadLine(client));
        Assert.Equal("", LoopHarness.ReadLine(client));
        harness.WaitForLog("warning: cannot connect to service private/smtpd: No such file or directory");
        Assert.DoesNotContain("DISCONNECT", harness.LogText, StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_queue_of_the_server_is_waited_for()
    {
        using var server = new PassServer(backlog: 0, takesClients: false);
        using var harness = new LoopHarness(Untested, server.Path);
        var clients = Enumerable.Range(0, 5).Select(_ => harness.Connect()).ToArray();
        LoopHarness.Until(() => Regex.Count(harness.LogText, "CONNECT") == 5, "not all were accepted");

        server.TakeClients();

        for (var i = 0; i < clients.Length; i++)
            server.Next();
        Assert.DoesNotContain("warning", harness.LogText, StringComparison.Ordinal);
        foreach (var client in clients)
            client.Dispose();
    }

    [Fact]
    public void What_nobody_takes_within_a_second_is_told_to_come_back()
    {
        using var server = new PassServer(backlog: 0, takesClients: false);
        using var harness = new LoopHarness(Untested, server.Path);
        var clients = Enumerable.Range(0, 3).Select(_ => harness.Connect()).ToArray();

        harness.WaitForLog("warning: cannot connect to service private/smtpd: Resource temporarily unavailable");

        Assert.Contains("421 4.3.2 All server ports are busy\r\n", clients.Where(c => c.Poll(0, SelectMode.SelectRead)).Select(LoopHarness.ReadLine));
        foreach (var client in clients)
            client.Dispose();
    }

    [Fact]
    public void More_clients_than_descriptors_are_told_so()
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(Quick with { GreetWait = TimeSpan.FromMinutes(1) }, server.Path, maxClients: 2);
        using var first = harness.Connect();
        using var second = harness.Connect();
        using var third = harness.Connect();

        Assert.Equal("421 4.3.2 No system resources\r\n", LoopHarness.ReadLine(third));
        Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(second));
        harness.WaitForLog("turning away new ones");
    }

    [Fact]
    public void A_remembered_client_is_not_tested_again()
    {
        using var server = new PassServer();
        var allowlist = new MemoryAllowlist();
        using var harness = new LoopHarness(Quick, server.Path, allowlist: allowlist);

        using (harness.Connect())
            server.Next();
        LoopHarness.Until(() => harness.Loop.ClientCount == 0, "the first client is left"); // beside it there would be no PASS line
        using (harness.Connect())
            server.Next();

        Assert.Single(allowlist.Records);
        harness.WaitForLog("PASS OLD");
    }

    [Fact]
    public void Stopping_waits_for_parked_clients_and_no_longer_than_the_grace_time()
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(Quick, server.Path);
        using var parked = harness.Connect();
        harness.WaitForLog("CONNECT");

        harness.Stop(TimeSpan.FromSeconds(20));

        Assert.Contains("PASS NEW", harness.LogText, StringComparison.Ordinal);
        Assert.Throws<SocketException>(() => harness.Connect());
    }

    [Fact]
    public void A_client_that_outstays_the_grace_time_is_told()
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(Quick with { GreetWait = TimeSpan.FromMinutes(1) }, server.Path);
        using var parked = harness.Connect();
        Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(parked));

        harness.Stop(TimeSpan.Zero);

        Assert.Equal("421 4.3.2 Service currently unavailable\r\n", LoopHarness.ReadLine(parked));
        Assert.Equal("", LoopHarness.ReadLine(parked));
    }

    [Fact]
    public void A_bug_costs_one_client_only()
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(Quick, server.Path, allowlist: new BrokenAllowlist());
        using var unlucky = harness.Connect();

        Assert.Equal("421 4.3.0 Error: internal error\r\n", LoopHarness.ReadLine(unlucky));
        harness.WaitForLog("internal error with client");
        Assert.Equal(0, harness.Loop.ClientCount);
    }

    [Fact]
    public void A_hundred_megabytes_without_a_newline_end_at_the_line_limit()
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(Quick, server.Path);
        using var client = harness.Connect();
        LoopHarness.ReadLine(client);
        var block = new byte[64 * 1024];

        try
        {
            for (var sent = 0; sent < 100_000_000; sent += block.Length)
                client.Send(block);
            Assert.Fail("everything was taken");
        }
        catch (SocketException)
        {
            harness.WaitForLog("COMMAND LENGTH LIMIT");
        }
    }

    private sealed class BrokenAllowlist : Postern.Storage.IAllowlist
    {
        public TimeSpan? NextTick => null;

        public bool TryRecall(IpAddress address, out Core.Allowlist.TestExpiry expiry) => throw new InvalidOperationException("a bug");

        public void Remember(IpAddress address, Core.Allowlist.TestExpiry expiry)
        {
        }

        public void Ask(IpAddress address, ulong client)
        {
        }

        public bool TryTakeAnswer(out Postern.Storage.AllowlistAnswer answer)
        {
            answer = default;
            return false;
        }

        public void Tick(DateTimeOffset now)
        {
        }
    }
}
