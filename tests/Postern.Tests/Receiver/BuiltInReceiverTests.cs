using System.Net.Sockets;
using Postern.Handoff;
using Postern.Receiver;
using Postern.Tests.Loop;

namespace Postern.Tests.Receiver;

public sealed class BuiltInReceiverTests
{
    private const string Envelope = "EHLO me.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@ours.example>\r\nDATA\r\n";

    [Fact]
    public async Task A_handed_over_client_delivers_mail()
    {
        await using var fixture = new ReceiverFixture();
        using var client = await fixture.ConnectAsync("2001:db8::7");

        Assert.Equal("220 mx.ours.example ESMTP Postern", await client.ReplyAsync());
        Assert.Equal("250 8BITMIME", await client.AskAsync("EHLO me.example\r\n"));
        Assert.Equal("250 2.1.0 Ok", await client.AskAsync("MAIL FROM:<a@b.example>\r\n"));
        Assert.Equal("250 2.1.5 Ok", await client.AskAsync("RCPT TO:<u@ours.example>\r\n"));
        Assert.Equal("354 End data with <CR><LF>.<CR><LF>", await client.AskAsync("DATA\r\n"));
        var done = await client.AskAsync("Subject: x\r\n\r\n..\xe9\r\n.\r\n");
        Assert.Matches("^250 2.0.0 Ok: queued as [0-9A-F]{12}$", done);

        // The 250 is a promise: the file is there now.
        var mail = Assert.Single(fixture.Folder.NewMail());
        Assert.StartsWith("Return-Path: <a@b.example>\nX-Original-To: u@ours.example\nDelivered-To: u@ours.example\nReceived: from me.example (unknown [IPv6:2001:db8::7])\n", mail);
        Assert.EndsWith("\nSubject: x\n\n.\xe9\n", mail);
        Assert.Empty(fixture.Folder.Files("tmp"));

        Assert.Equal("221 2.0.0 Bye", await client.AskAsync("QUIT\r\n"));
        Assert.Equal("", await client.RestAsync());
        client.Dispose();
        await fixture.LoggedAsync("disconnect from unknown[2001:db8::7] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5");
        Assert.Equal("smtpd: connect from unknown[2001:db8::7]", fixture.LogLines.First());
        await fixture.LoggedAsync($"{done[^12..]}: client=unknown[2001:db8::7]");
        await fixture.LoggedAsync($"{done[^12..]}: removed");
    }

    [Fact]
    public async Task Two_hundred_clients_at_once_deliver_one_mail_each()
    {
        await using var fixture = new ReceiverFixture(static options => options with { SessionLimit = 300 });

        await Task.WhenAll(Enumerable.Range(0, 200).Select(async number =>
        {
            using var client = await fixture.ConnectAsync();
            await client.SayAsync(Envelope + $"Subject: mail {number}\r\n\r\n{new string('x', 100_000)}\r\n.\r\nQUIT\r\n");
            var replies = await client.RestAsync();
            Assert.Contains("\r\n250 2.0.0 Ok: queued as ", replies);
            Assert.EndsWith("\r\n221 2.0.0 Bye\r\n", replies);
        }));

        var subjects = fixture.Folder.NewMail().Select(static mail => mail.Split('\n').Single(static line => line.StartsWith("Subject: ", StringComparison.Ordinal)));
        Assert.Equal(Enumerable.Range(0, 200).Select(static number => $"Subject: mail {number}").Order(), subjects.Order());
        Assert.Empty(fixture.Folder.Files("tmp"));
    }

    [Fact]
    public async Task Sessions_are_counted_by_address_from_the_hand_over_to_their_end()
    {
        var counts = new SessionCounts(10);
        await using var fixture = new ReceiverFixture(options => options with { Counts = counts });

        var first = await fixture.ConnectAsync();
        Assert.Equal(1, counts.Of(Ip.Of("192.0.2.7"), new())); // when who has handed it over is told that it is taken
        var second = await fixture.ConnectAsync();
        var other = await fixture.ConnectAsync("192.0.2.8");
        Assert.Equal((2, 1, 3), (counts.Of(Ip.Of("192.0.2.7"), new()), counts.Of(Ip.Of("192.0.2.8"), new()), counts.Total));
        Assert.StartsWith("220", await other.ReplyAsync(), StringComparison.Ordinal);
        await other.AskAsync("QUIT\r\n");
        first.Socket.Close(0); // reset
        other.Dispose();

        LoopHarness.Until(() => counts.Total == 1, "they are still counted");
        Assert.Equal((1, 0), (counts.Of(Ip.Of("192.0.2.7"), new()), counts.Of(Ip.Of("192.0.2.8"), new())));
        second.Dispose();
    }

    [Fact]
    public void A_tenth_of_its_sessions_is_for_those_that_access_list_or_allowlist_let_in()
    {
        var counts = new SessionCounts(20);
        for (var i = 0; i < 18; i++)
            counts.Enter(Ip.Of("192.0.2.7"));
        Assert.False(counts.HasRoom(isLetIn: false));
        Assert.True(counts.HasRoom(isLetIn: true));
        counts.Enter(Ip.Of("192.0.2.8"));
        counts.Enter(Ip.Of("192.0.2.8"));

        Assert.False(counts.HasRoom(isLetIn: true));
        counts.Leave(Ip.Of("192.0.2.8"));
        Assert.True(counts.HasRoom(isLetIn: true));
    }

    [Fact]
    public async Task What_the_client_sent_before_the_hand_over_is_not_lost()
    {
        await using var fixture = new ReceiverFixture();
        using var client = await fixture.ConnectAsync();
        await client.SayAsync("QUIT\r\n");

        Assert.Equal("220 mx.ours.example ESMTP Postern\r\n221 2.0.0 Bye\r\n", await client.RestAsync());
    }

    [Fact]
    public async Task An_empty_list_takes_the_address_from_the_socket()
    {
        await using var fixture = new ReceiverFixture();
        using var client = await fixture.ConnectAsync(attributes: "\0");

        await client.ReplyAsync();

        await fixture.LoggedAsync("smtpd: connect from unknown[127.0.0.1]");
    }

    [Theory]
    [InlineData("x\0y\0\0", "smtpd: warning: missing client address from proxy")]
    [InlineData("client_address\0junk\0\0", "smtpd: warning: bad IPv4 client address syntax from proxy: junk")]
    public async Task A_bad_attribute_list_costs_only_its_client(string attributes, string warning)
    {
        await using var fixture = new ReceiverFixture();

        using (var client = await fixture.ConnectAsync(attributes: attributes))
            Assert.Equal("", await client.RestAsync());

        await fixture.LoggedAsync(warning);
        await AssertServes(fixture);
    }

    [Fact]
    public async Task Hand_over_errors_do_not_harm_the_receiver()
    {
        await using var fixture = new ReceiverFixture();

        using (var closesAtOnce = fixture.OpenChannel())
            closesAtOnce.Shutdown(SocketShutdown.Both);
        await fixture.LoggedAsync("pass_accept_attr: cannot receive file descriptor: end of file");

        using (var sendsNoDescriptor = fixture.OpenChannel())
        {
            DescriptorSender.Send(sendsNoDescriptor);
            await fixture.LoggedAsync("pass_accept_attr: cannot receive file descriptor: no descriptor in the message");
        }

        using (var sendsAFile = fixture.OpenChannel())
        using (var file = File.OpenHandle("/dev/null"))
        {
            DescriptorSender.Send(sendsAFile, file);
            await fixture.LoggedAsync("pass_accept_attr: cannot receive file descriptor: not a TCP socket");
        }

        using (var sendsTwo = fixture.OpenChannel())
        {
            DescriptorSender.Send(sendsTwo, sendsTwo.SafeHandle, sendsTwo.SafeHandle);
            await fixture.LoggedAsync("pass_accept_attr: cannot receive file descriptor: more than one descriptor");
        }

        using (var sendsTooMany = fixture.OpenChannel())
        {
            DescriptorSender.Send(sendsTooMany, [.. Enumerable.Repeat(sendsTooMany.SafeHandle, 50)]);
            Assert.Equal(0, await sendsTooMany.ReceiveAsync(new byte[1]));
        }

        using (var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        using (var sendsGarbage = fixture.OpenChannel())
        {
            DescriptorSender.Send(sendsGarbage, tcp.SafeHandle);
            sendsGarbage.Send(Enumerable.Repeat((byte)'x', 5000).ToArray());
            await fixture.LoggedAsync("pass_accept_attr: cannot receive connection attributes: incomplete list");
        }

        await AssertServes(fixture);
    }

    [Fact]
    public async Task A_sender_that_says_nothing_is_given_up()
    {
        await using var fixture = new ReceiverFixture(static options => options with { HandoffTimeLimit = TimeSpan.FromMilliseconds(50) });

        using var silent = fixture.OpenChannel();

        await fixture.LoggedAsync("pass_accept_attr: timeout receiving file descriptor: Connection timed out");
        Assert.Equal(0, await silent.ReceiveAsync(new byte[1]));
    }

    [Fact]
    public async Task A_session_that_breaks_within_a_message_leaves_nothing()
    {
        await using var fixture = new ReceiverFixture();
        using (var client = await fixture.ConnectAsync())
        {
            await client.SayAsync(Envelope + "Subject: half\r\n");
            while (!(await client.ReplyAsync()).StartsWith("354", StringComparison.Ordinal))
            {
            }

            Assert.Single(fixture.Folder.Files("tmp"));
        }

        await fixture.LoggedAsync("lost connection after DATA (");
        await fixture.LoggedAsync("disconnect from unknown[192.0.2.7] ehlo=1 mail=1 rcpt=1 data=0/1 commands=3/4");
        Assert.Empty(fixture.Folder.Files("tmp"));
        Assert.Empty(fixture.Folder.Files("new"));
    }

    [Fact]
    public async Task A_smuggler_hears_why_and_leaves_nothing()
    {
        await using var fixture = new ReceiverFixture();
        using var client = await fixture.ConnectAsync();

        await client.SayAsync(Envelope + "x\r\n.\nMAIL FROM:<evil@b.example>\r\n" + new string('y', 50_000) + "\r\n.\r\n");

        Assert.EndsWith("521 5.5.2 mx.ours.example Error: bare <LF> received\r\n", await client.RestAsync());
        Assert.Empty(fixture.Folder.Files("tmp"));
        Assert.Empty(fixture.Folder.Files("new"));
    }

    [Theory]
    [InlineData("", "timeout after CONNECT from")]
    [InlineData("NOO", "timeout after CONNECT from")]
    [InlineData(Envelope, "timeout after DATA (0 bytes) from")]
    public async Task A_slow_client_is_told_so(string text, string line)
    {
        await using var fixture = new ReceiverFixture(static options =>
            options with { CommandTimeLimit = TimeSpan.FromMilliseconds(200), DataTimeLimit = TimeSpan.FromMilliseconds(200) });
        using var client = await fixture.ConnectAsync();
        await client.SayAsync(text);

        Assert.EndsWith("421 4.4.2 mx.ours.example Error: timeout exceeded\r\n", await client.RestAsync());
        await fixture.LoggedAsync(line);
        await fixture.LoggedAsync("disconnect from");
        Assert.Empty(fixture.Folder.Files("tmp"));
    }

    [Fact]
    public async Task Sessions_over_the_limit_are_sent_away()
    {
        await using var fixture = new ReceiverFixture(static options => options with { SessionLimit = 1 });
        using var first = await fixture.ConnectAsync();
        await first.ReplyAsync();

        using (var second = await fixture.ConnectAsync())
            Assert.Equal("421 4.3.2 mx.ours.example Error: too many sessions\r\n", await second.RestAsync());

        Assert.Equal("250 2.0.0 Ok", await first.AskAsync("NOOP\r\n"));
    }

    [Fact]
    public async Task An_unknown_sender_domain_is_refused_at_the_recipient()
    {
        await using var fixture = new ReceiverFixture();
        using var client = await fixture.ConnectAsync();
        await client.ReplyAsync();

        Assert.Equal("250 2.1.0 Ok", await client.AskAsync("MAIL FROM:<a@gone.example>\r\n"));
        Assert.Equal("550 5.1.8 <a@gone.example>: Sender address rejected: Domain not found", await client.AskAsync("RCPT TO:<u@ours.example>\r\n"));
        Assert.Equal("554 5.5.1 Error: no valid recipients", await client.AskAsync("DATA\r\n"));
    }

    [Fact]
    public async Task A_maildir_that_went_away_is_a_temporary_error_with_a_warning()
    {
        await using var fixture = new ReceiverFixture();
        Directory.Delete(fixture.Folder.Maildir, recursive: true);
        using var client = await fixture.ConnectAsync();

        await client.SayAsync(Envelope + "QUIT\r\n");

        Assert.EndsWith("451 4.3.0 Error: queue file write error\r\n221 2.0.0 Bye\r\n", await client.RestAsync());
        await fixture.LoggedAsync($"smtpd: warning: cannot write to maildir {fixture.Folder.Maildir}: No such file or directory");
    }

    [Fact]
    public async Task Stopping_sends_idle_clients_away_and_lets_a_message_finish()
    {
        await using var fixture = new ReceiverFixture();
        using var idle = await fixture.ConnectAsync();
        using var busy = await fixture.ConnectAsync();
        await idle.AskAsync("");
        await busy.SayAsync(Envelope + "half\r\n");
        while (!(await busy.ReplyAsync()).StartsWith("354", StringComparison.Ordinal))
        {
        }

        var stopping = fixture.Receiver.StopAsync(TimeSpan.FromSeconds(30));
        Assert.Equal("421 4.3.2 mx.ours.example Error: service shutting down\r\n", await idle.RestAsync());
        Assert.StartsWith("250 2.0.0 Ok: queued as", await busy.AskAsync("whole\r\n.\r\n"));
        Assert.Equal("421 4.3.2 mx.ours.example Error: service shutting down\r\n", await busy.RestAsync());
        idle.Dispose();
        busy.Dispose();
        await stopping;

        Assert.Single(fixture.Folder.Files("new"));
        Assert.False(File.Exists(fixture.Folder.SocketPath));
    }

    [Fact]
    public async Task Stopping_without_grace_cuts_a_message_off_and_leaves_nothing()
    {
        await using var fixture = new ReceiverFixture();
        using var busy = await fixture.ConnectAsync();
        await busy.SayAsync(Envelope + "half\r\n");
        while (!(await busy.ReplyAsync()).StartsWith("354", StringComparison.Ordinal))
        {
        }

        await fixture.Receiver.StopAsync(TimeSpan.Zero);

        Assert.Equal("421 4.3.2 mx.ours.example Error: service shutting down\r\n", await busy.RestAsync());
        Assert.Empty(fixture.Folder.Files("tmp"));
        Assert.Empty(fixture.Folder.Files("new"));
    }

    [Fact]
    public async Task A_stale_socket_is_replaced_and_a_busy_one_is_not()
    {
        using var folder = new MailboxFolder();
        var options = DialogueRun.Options() with { SocketPath = folder.SocketPath, MaildirPath = folder.Maildir };
        using (var stale = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            stale.Bind(new UnixDomainSocketEndPoint(folder.SocketPath));
        await File.WriteAllTextAsync(Path.Combine(folder.Root, "file"), "x", TestContext.Current.CancellationToken);

        Assert.True(BuiltInReceiver.TryStart(options, out var receiver, out var problem), problem);
        await using var first = receiver;
        Assert.False(BuiltInReceiver.TryStart(options, out _, out problem));
        Assert.Equal($"cannot listen on {folder.SocketPath}: another process listens there", problem);
        Assert.False(BuiltInReceiver.TryStart(options with { SocketPath = Path.Combine(folder.Root, "file") }, out _, out problem));
        Assert.Equal($"cannot listen on {folder.Root}/file: there is a file of that name", problem);
        Assert.False(BuiltInReceiver.TryStart(options with { MaildirPath = "/dev/null/x" }, out _, out problem));
        Assert.StartsWith("cannot use maildir /dev/null/x: ", problem);
    }

    private static async Task AssertServes(ReceiverFixture fixture)
    {
        using var client = await fixture.ConnectAsync();
        Assert.Equal("220 mx.ours.example ESMTP Postern", await client.ReplyAsync());
        Assert.Equal("221 2.0.0 Bye", await client.AskAsync("QUIT\r\n"));
    }
}
