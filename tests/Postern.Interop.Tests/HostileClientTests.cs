using System.Diagnostics;

namespace Postern.Interop.Tests;

/// <summary>Clients that want to hurt: bounded, logged, gone.</summary>
[Collection(nameof(InteropCollection))]
public sealed class HostileClientTests
{
    private const long MostGrowth = 48L << 20;

    [Fact]
    public void Silence_in_the_dialogue_ends_with_the_time_limit()
    {
        using var host = NewHost();
        using var talk = host.Connect("127.0.5.50");
        talk.TalkEarly();

        var start = Stopwatch.GetTimestamp();
        var farewell = talk.ReadReply();

        Assert.StartsWith("421 4.4.2 mail.lab.example Error: timeout exceeded", farewell);
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 1, 20);
        host.WaitForLog("COMMAND TIME LIMIT from [127.0.5.50]");
    }

    [Fact]
    public async Task A_byte_now_and_then_does_not_put_the_time_limit_off()
    {
        using var host = NewHost();
        using var talk = host.Connect("127.0.5.51");
        talk.TalkEarly();

        var start = Stopwatch.GetTimestamp();
        while (talk.TrySend("N"u8) && Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30))
            await Task.Delay(250, TestContext.Current.CancellationToken); // the slowness is the attack

        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(20), "it was still there");
        host.WaitForLog("COMMAND TIME LIMIT from [127.0.5.51]");
    }

    [Fact]
    public void A_hundred_megabytes_without_a_newline_are_cut_off()
    {
        using var host = NewHost();
        using var talk = host.Connect("127.0.5.52");
        talk.TalkEarly();
        var before = host.Postern.PrivateMemory;
        var block = new byte[1 << 20];
        Array.Fill(block, (byte)'x');

        var sent = 0;
        while (sent < 100 && talk.TrySend(block))
            sent++;

        Assert.True(sent < 100, "all was taken");
        host.WaitForLog("COMMAND LENGTH LIMIT from [127.0.5.52]");
        host.WaitForLog("DISCONNECT [127.0.5.52]");
        Assert.InRange(host.Postern.PrivateMemory - before, long.MinValue, MostGrowth);
    }

    [Fact]
    public void NULs_are_taken_for_what_they_are()
    {
        using var host = NewHost();
        using var talk = host.Connect("127.0.5.53");
        talk.TalkEarly();

        talk.Send("\0\0\0\r\nMAIL FROM:<\0>\r\nRCPT TO:<b@lab.example>\r\n"u8);
        for (var reply = 0; reply < 3; reply++)
            Assert.Matches("^[245]", talk.ReadReply());
        talk.Send(new byte[4000]);

        host.WaitForLog("COMMAND LENGTH LIMIT from [127.0.5.53]");
        host.WaitForLog("DISCONNECT [127.0.5.53]");
        Assert.DoesNotContain('\0', host.Log);
    }

    [Fact]
    public async Task Many_of_them_at_once_do_not_make_the_process_grow_or_stop_serving()
    {
        using var host = NewHost("postscreen_pre_queue_limit = 2000", "postscreen_post_queue_limit = 2000");
        var before = host.Postern.PrivateMemory;
        var garbage = new byte[64 << 10];
        new Random(1).NextBytes(garbage);
        var highest = before;
        var token = TestContext.Current.CancellationToken;

        var attackers = Enumerable.Range(0, 8).Select(thread => Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; i < 60; i++)
                {
                    using var talk = host.Connect($"127.0.6.{1 + thread * 30 + i % 30}");
                    _ = talk.TrySend(garbage.AsSpan(0, 1 + i * 1000)) && talk.TrySend(garbage) && talk.TrySend("\r\nQUIT\r\n"u8);
                }
            },
            token, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
        Wait.Until(
            () =>
            {
                highest = Math.Max(highest, host.Postern.PrivateMemory);
                return attackers.All(attacker => attacker.IsCompleted);
            },
            () => "the attack does not end");
        await Task.WhenAll(attackers);

        Assert.InRange(highest - before, long.MinValue, MostGrowth);
        using var decent = host.Connect("127.0.5.54");
        decent.ExpectGreeting();
        decent.Say("QUIT", "221");
    }

    private static MailHost NewHost(params string[] more) => MailHost.Alone(
        null, ["postscreen_greet_action = enforce", "postscreen_command_time_limit = 2s", "postscreen_non_smtp_command_action = ignore", .. more]);
}
