using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Postern.Core.Config;
using Postern.Native;
using Postern.Tests.Loop;

namespace Postern.Tests.Relay;

/// <summary>Clients of which nothing was read, relayed by a running loop: the test plays client and server.</summary>
[Collection(nameof(AloneCollection))]
public sealed class RelayTests
{
    private static readonly Settings Quick = new() { GreetBanner = "mx ESMTP", GreetWait = TimeSpan.FromMilliseconds(50), Banner = "mx real" };
    private static readonly Settings Untested = Quick with { GreetBanner = "" };
    private static readonly RelayRules Plain = new() { Announcement = RelayAnnouncement.None };

    [Fact]
    public void The_servers_greeting_completes_the_teaser_and_the_server_learns_the_client()
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Quick, Plain with { Announcement = RelayAnnouncement.ProxyV1 }, server.Target);
        using var client = harness.Connect();
        var port = ((IPEndPoint)client.LocalEndPoint!).Port;

        var there = server.Accept();
        Assert.Equal($"PROXY TCP4 127.0.0.1 127.0.0.1 {port} {harness.Port}\r\n", LoopHarness.ReadLine(there));
        there.Send("220-one\r\n220 two\r\n"u8);

        Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(client));
        Assert.Equal("220-one\r\n", LoopHarness.ReadLine(client));
        Assert.Equal("220 two\r\n", LoopHarness.ReadLine(client));
        client.Send("EHLO x\r\n"u8);
        Assert.Equal("EHLO x", LoopHarness.ReadLine(there).TrimEnd());
        there.Send("250 hello\r\n"u8);
        Assert.Equal("250 hello\r\n", LoopHarness.ReadLine(client));
        there.Dispose();
        Assert.Equal("", LoopHarness.ReadLine(client));
        client.Dispose();
        harness.WaitForLog($"relayed [127.0.0.1]:{port} id=");
        harness.WaitForLog("8 bytes in, 29 bytes out, 0 s, ended by the server");
        LoopHarness.Until(() => harness.Loop.ClientCount == 0, "the session is still there");
        Assert.Contains($"PASS NEW [127.0.0.1]:{port}\n", harness.LogText, StringComparison.Ordinal);
    }

    [Fact]
    public void Early_bytes_that_are_ignored_reach_the_server()
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Quick with { GreetWait = TimeSpan.FromMinutes(1) }, Plain, server.Target);
        using var client = harness.Connect();

        client.Send("EHLO early\r\n"u8);

        Assert.Equal("EHLO early", StubServer.Say(server.Accept(), "220 x"));
    }

    [Theory]
    [InlineData("554 5.7.1 go away")]
    [InlineData("421 4.3.2 not now")]
    public void Without_teaser_a_refusal_is_passed_on(string greeting)
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Untested, Plain, server.Target);
        using var client = harness.Connect();

        server.Accept().Send(Encoding.Latin1.GetBytes(greeting + "\r\n"));

        Assert.Equal(greeting + "\r\n", LoopHarness.ReadLine(client));
        Assert.Equal("", LoopHarness.ReadLine(client));
        harness.WaitForLog("it says instead of a greeting: " + greeting);
    }

    [Fact]
    public void After_the_teaser_a_refusal_waits_for_the_first_command()
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Quick, Plain, server.Target);
        using var client = harness.Connect();

        server.Accept().Send("554 5.7.1 go away\r\n"u8);

        Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(client));
        Assert.Equal("220 mx real\r\n", LoopHarness.ReadLine(client));
        client.Send("EHLO x\r\n"u8);
        Assert.Equal("421 4.3.2 No system resources\r\n", LoopHarness.ReadLine(client));
    }

    [Fact]
    public void With_no_server_a_client_without_teaser_gets_421_as_greeting()
    {
        var closed = StubServer.Closed();
        using var harness = new LoopHarness(Untested, Plain, closed);
        using var client = harness.Connect();

        Assert.Equal("421 4.3.2 All server ports are busy\r\n", LoopHarness.ReadLine(client));
        harness.WaitForLog($"warning: cannot connect to service {closed.Name}: Connection refused");
        harness.WaitForLog($"relay target {closed.Name} is out: Connection refused");
    }

    [Fact]
    public void A_server_that_stays_silent_is_given_up_in_time()
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Untested, Plain with { ReplyTimeout = TimeSpan.FromMilliseconds(100) }, server.Target);
        using var client = harness.Connect();

        Assert.Equal("421 4.3.2 No system resources\r\n", LoopHarness.ReadLine(client));
        harness.WaitForLog("timeout instead of a greeting");
    }

    [Fact]
    public void Another_server_takes_the_client_that_the_first_cannot_take()
    {
        using var busy = new StubServer();
        using var server = new StubServer();
        using var harness = new LoopHarness(Untested, Plain, StubServer.Closed(), busy.Target with { Weight = 50 }, server.Target);
        using var client = harness.Connect();

        busy.Accept().Send("421 busy\r\n"u8);
        server.Accept().Send("220 me\r\n"u8);

        Assert.Equal("220 me\r\n", LoopHarness.ReadLine(client));
        Assert.DoesNotContain("cannot connect to service", harness.LogText, StringComparison.Ordinal);
    }

    [Fact]
    public void The_client_may_close_its_side_first_and_still_gets_the_answer()
    {
        var (harness, client, there) = Relay(new StubServer());
        client.Send("QUIT\r\n"u8);
        client.Shutdown(SocketShutdown.Send);

        Assert.Equal("QUIT\r\n", LoopHarness.ReadLine(there));
        Assert.Equal("", LoopHarness.ReadLine(there));
        there.Send("221 bye\r\n"u8);
        there.Dispose();
        Assert.Equal("221 bye\r\n", LoopHarness.ReadLine(client));
        Assert.Equal("", LoopHarness.ReadLine(client));
        harness.WaitForLog("ended by the client");
        LoopHarness.Until(() => harness.Loop.ClientCount == 0, "the session is still there");
        harness.Dispose();
    }

    [Fact]
    public void A_reset_of_one_side_ends_the_other()
    {
        var (harness, client, there) = Relay(new StubServer());

        there.LingerState = new LingerOption(true, 0);
        there.Dispose();

        var end = Record.Exception(() => Assert.Equal("", LoopHarness.ReadLine(client)));
        Assert.True(end is null or SocketException, end?.ToString());
        LoopHarness.Until(() => harness.Loop.ClientCount == 0, "the session is still there");
        Assert.Equal(0, harness.Pool!.Servers[0].Sessions);
        harness.Dispose();
    }

    [Fact]
    public void A_server_that_has_ended_and_is_gone_keeps_no_session()
    {
        var (harness, client, there) = Relay(new StubServer());
        there.Shutdown(SocketShutdown.Send);
        Assert.Equal("", LoopHarness.ReadLine(client));

        there.LingerState = new LingerOption(true, 0);
        there.Dispose();

        LoopHarness.Until(() => harness.Loop.ClientCount == 0, "the session is still there");
        harness.Dispose();
    }

    [Fact]
    public async Task What_passes_is_the_same_to_the_byte_both_ways_at_once()
    {
        var (harness, client, there) = Relay(new StubServer());
        var sent = new byte[32 * 1024 * 1024];
        new Random(1).NextBytes(sent);

        var results = await Task.WhenAll(
            Run(() => Send(client, sent)), Run(() => Send(there, sent)), Run(() => Receive(client, sent.Length)), Run(() => Receive(there, sent.Length)));

        Assert.Equal(sent, results[2]);
        Assert.Equal(sent, results[3]);
        harness.Dispose();

        static byte[] Send(Socket socket, byte[] bytes)
        {
            socket.Send(bytes);
            return [];
        }
    }

    [Fact]
    public void A_reader_that_does_not_read_stops_its_own_sender_and_nobody_else()
    {
        using var server = new StubServer();
        var (harness, slow, there) = Relay(server);
        var block = new byte[64 * 1024];
        there.Blocking = false;
        var sent = 0L;
        for (var stalls = 0; stalls < 20;)
        {
            try
            {
                sent += there.Send(block);
                stalls = 0;
            }
            catch (SocketException full) when (full.SocketErrorCode is SocketError.WouldBlock)
            {
                stalls += there.Poll(TimeSpan.FromMilliseconds(20), SelectMode.SelectWrite) ? 0 : 1;
            }

            Assert.True(sent < 200_000_000, "nobody stops the sender");
        }

        using var other = harness.Connect();
        var otherThere = server.Accept();
        otherThere.Send("220 other\r\n"u8);
        Assert.Equal("220 other\r\n", LoopHarness.ReadLine(other));
        Assert.Equal(sent, Receive(slow, (int)sent).LongLength);
        harness.Dispose();
    }

    [Fact]
    public void A_session_that_a_server_has_is_not_beside_the_clients_next_one()
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Quick with { ClientConnectionCountLimit = 2 }, Plain, server.Target);
        using var first = harness.Connect();
        server.Accept().Send("220 x\r\n"u8);
        Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(first));
        Assert.Equal("220 x\r\n", LoopHarness.ReadLine(first));

        using var second = harness.Connect();
        server.Accept().Send("220 y\r\n"u8);

        Assert.Equal("220 y\r\n", LoopHarness.ReadLine(second));
        harness.WaitForLog($"PASS OLD [127.0.0.1]:{((IPEndPoint)second.LocalEndPoint!).Port}\n"); // as with descriptor passing
    }

    [Fact]
    public void One_address_has_no_more_sessions_with_the_server_than_it_may_have_with_us()
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Untested with { ClientConnectionCountLimit = 3 }, Plain, server.Target);
        var sessions = Enumerable.Range(0, 3).Select(_ => Serve("127.0.0.1")).ToArray();

        using (var fourth = harness.Connect())
            Assert.Equal("421 4.7.0 Error: too many connections\r\n", LoopHarness.ReadLine(fourth));
        harness.WaitForLog("NOQUEUE: reject: CONNECT from [127.0.0.1]:");
        var other = Serve("127.0.0.2");
        sessions[0].Client.Dispose();
        sessions[0].There.Dispose();
        LoopHarness.Until(() => harness.Loop.ClientCount == 3, "the session is still there");
        var again = Serve("127.0.0.1");

        foreach (var (client, there) in (ReadOnlySpan<(Socket, Socket)>)[.. sessions, other, again])
        {
            client.Dispose();
            there.Dispose();
        }

        (Socket Client, Socket There) Serve(string from)
        {
            var client = harness.Connect(from);
            var there = server.Accept();
            there.Send("220 x\r\n"u8);
            Assert.Equal("220 x\r\n", LoopHarness.ReadLine(client));
            return (client, there);
        }
    }

    [Fact]
    public void That_all_clients_have_one_private_address_is_told_once()
    {
        using var harness = new LoopHarness(Quick with { ClientConnectionCountLimit = 0, GreetWait = TimeSpan.FromMinutes(1) }, Plain, StubServer.Closed());
        for (var i = 0; i < 102; i++)
        {
            using var client = harness.Connect();
            Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(client));
        }

        harness.WaitForLog("a private address");
        Assert.Single(Regex.Matches(harness.LogText, @"postern\[\d+\]: warning: .*127\.0\.0\.1, a private address"));
    }

    [Fact]
    public void An_idle_session_ends()
    {
        var (harness, client, there) = Relay(new StubServer(), Plain with { IdleTimeout = TimeSpan.FromMilliseconds(100) });

        Assert.Equal("", LoopHarness.ReadLine(client));
        Assert.Equal("", LoopHarness.ReadLine(there));
        harness.WaitForLog("ended by Postern: nothing has moved for too long");
        harness.Dispose();
    }

    [Fact]
    public void Stopping_waits_for_relayed_sessions_no_longer_than_the_grace_time()
    {
        var (harness, client, there) = Relay(new StubServer());

        harness.Stop(TimeSpan.Zero);

        Assert.Equal("", LoopHarness.ReadLine(client));
        Assert.Equal("", LoopHarness.ReadLine(there));
        harness.Dispose();
    }

    [Fact]
    public void Idle_sessions_cost_little_and_hold_no_pipes()
    {
        const int count = 400;
        using var server = new StubServer();
        using var harness = new LoopHarness(Untested with { ClientConnectionCountLimit = 0, PreQueueLimit = 10_000 }, Plain, server.Target);
        var ours = new List<int>();
        Add(100); // so that tables have grown and code is compiled
        var before = GC.GetTotalMemory(forceFullCollection: true);

        Add(count);

        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / count;
        Assert.InRange(each, 100, 2048);
        Assert.True(OpenPipes() < 100, "pipes are held");
        ours.ForEach(static descriptor => _ = Libc.close(descriptor));

        void Add(int many)
        {
            for (var i = 0; i < many; i++)
            {
                var client = harness.Connect();
                var there = server.Accept();
                there.Send("220 x\r\n"u8);
                Assert.Equal("220 x\r\n", LoopHarness.ReadLine(client));
                client.Send("NOOP\r\n"u8);
                Assert.Equal("NOOP\r\n", LoopHarness.ReadLine(there));
                ours.AddRange(Bare(client), Bare(there));
            }

            server.Disown();
        }

        // The descriptor without the object, whose memory would count.
        static int Bare(Socket socket)
        {
            var descriptor = (int)socket.SafeHandle.DangerousGetHandle();
            socket.SafeHandle.SetHandleAsInvalid();
            return descriptor;
        }

        static int OpenPipes() => Directory.GetFiles("/proc/self/fd").Count(static fd => new FileInfo(fd).LinkTarget?.StartsWith("pipe:", StringComparison.Ordinal) == true);
    }

    /// <summary>A session that is with the server.</summary>
    private static (LoopHarness Harness, Socket Client, Socket Server) Relay(StubServer server, RelayRules? rules = null)
    {
        var harness = new LoopHarness(Untested, rules ?? Plain, server.Target);
        var client = harness.Connect();
        var there = server.Accept();
        there.Send("220 x\r\n"u8);
        Assert.Equal("220 x\r\n", LoopHarness.ReadLine(client));
        return (harness, client, there);
    }

    private static Task<byte[]> Run(Func<byte[]> work) =>
        Task.Factory.StartNew(work, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static byte[] Receive(Socket socket, int length)
    {
        var bytes = new byte[length];
        for (var got = 0; got < length;)
        {
            var read = socket.Receive(bytes, got, length - got, SocketFlags.None);
            Assert.True(read > 0, $"the end came after {got} bytes");
            got += read;
        }

        return bytes;
    }
}
