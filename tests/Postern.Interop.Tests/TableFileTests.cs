using System.Text;

namespace Postern.Interop.Tests;

/// <summary>Table files that change, vanish or are large while clients are served.</summary>
[Collection(nameof(InteropCollection))]
public sealed class TableFileTests
{
    private const string Denied = "521 5.3.2 Service currently unavailable";

    [Fact]
    public void An_edited_table_is_in_force_at_the_next_client_also_when_nobody_came_before()
    {
        using var host = WithTable(out var table);
        File.WriteAllText(table, "127.0.5.31 reject\n");

        host.WaitForLog($"table cidr:{table} has changed - using the new version");

        Assert.Equal(Denied, Greeting(host, "127.0.5.31"));
    }

    [Fact]
    public void A_table_that_is_cut_short_or_becomes_a_pipe_keeps_its_rules_also_over_a_reload()
    {
        using var host = WithTable(out var table);

        File.WriteAllText(table, "");
        host.WaitForLog($"table cidr:{table} is empty - the version read before stays in force; if it is to be empty, write a comment into it");
        host.Reload();
        Assert.Equal(Denied, Greeting(host, "127.0.5.30"));

        File.Delete(table);
        Tool.Must("mkfifo", table);
        host.WaitForLog($"table cidr:{table} cannot be read - the version read before stays in force");
        host.Reload();
        Assert.Equal(Denied, Greeting(host, "127.0.5.30"));

        File.Delete(table);
        File.WriteAllText(table, "# on purpose\n");
        host.WaitForLog($"table cidr:{table} has changed - using the new version");
        Assert.StartsWith("220-", Greeting(host, "127.0.5.30"));
    }

    [Fact]
    public void A_storm_of_SIGHUP_reads_a_large_table_once()
    {
        using var host = WithTable(out var table);
        File.WriteAllText(table, LargeTable(100_000) + "127.0.5.31 reject\n");
        host.WaitForLog($"table cidr:{table} has changed - using the new version");

        for (var i = 0; i < 200; i++)
        {
            host.Postern.Reload();
            Thread.Sleep(2);
        }

        host.Reload();
        Assert.False(host.Postern.HasEnded);
        Assert.InRange(host.Count("reload: ready"), 1, 201);
        Assert.Equal(1, host.Count("using the new version"));
        Assert.Equal(Denied, Greeting(host, "127.0.5.31"));
    }

    [Fact]
    public void The_first_client_after_the_start_is_judged_by_a_table_that_is_still_being_read()
    {
        using var host = WithTable(out var table);
        Assert.Equal(0, host.Postern.Stop());
        File.WriteAllText(table, LargeTable(300_000) + "127.0.5.31 reject\n127.0.5.32 permit\n");
        host.StartPostern();

        using var denied = host.Connect("127.0.5.31");
        using var permitted = host.Connect("127.0.5.32");

        var first = denied.ReadLine()!; // the teaser, where it came before the table was read
        Assert.Equal(Denied, first.StartsWith("220-", StringComparison.Ordinal) ? denied.ReadLine() : first);
        host.WaitForLog("DENYLISTED [127.0.5.31]:");
        host.WaitForLog("ALLOWLISTED [127.0.5.32]:");
        permitted.ExpectGreeting();
        permitted.Say("QUIT", "221");
    }

    [Fact]
    public void A_pause_of_the_whole_process_ends_it_not()
    {
        using var host = MailHost.Alone(null, "postscreen_greet_wait = 1s");
        using var stop = new CancellationTokenSource();
        var callers = Task.Run(() => // so that the loop is at work when the pause comes
        {
            while (!stop.IsCancellationRequested)
                Greeting(host, "127.0.5.33");
        });

        for (var i = 0; i < 2; i++)
        {
            host.Postern.Pause();
            Thread.Sleep(11_500); // longer than postscreen_watchdog_timeout
            host.Postern.GoOn();
            Thread.Sleep(4_000); // the watchdog has looked
        }

        Assert.False(host.Postern.HasEnded, host.LogEnd);
        stop.Cancel();
        callers.Wait(TestContext.Current.CancellationToken);
        Assert.StartsWith("220-", Greeting(host, "127.0.5.34"));
    }

    private static MailHost WithTable(out string table)
    {
        var host = MailHost.Alone();
        table = host.Write("access.cidr", "127.0.5.30 reject\n");
        host.Configure($"postscreen_access_list = cidr:{table}", "postscreen_denylist_action = drop", "postscreen_greet_wait = 1s");
        host.Reload();
        Assert.Equal(Denied, Greeting(host, "127.0.5.30"));
        return host;
    }

    private static string LargeTable(int lines)
    {
        var text = new StringBuilder();
        for (var i = 0; i < lines; i++)
            text.Append(10).Append('.').Append(i >> 16).Append('.').Append((i >> 8) & 255).Append('.').Append(i & 255).Append(" reject\n");
        return text.ToString();
    }

    private static string? Greeting(MailHost host, string client)
    {
        using var talk = host.Connect(client);
        return talk.ReadLine();
    }
}
