namespace Postern.Interop.Tests;

/// <summary>New settings while clients are there.</summary>
[Collection(nameof(InteropCollection))]
public sealed class ReloadTests
{
    [Fact]
    public void A_broken_configuration_is_reported_and_the_old_one_stays()
    {
        using var host = MailHost.Alone(null, "postscreen_greet_banner = old banner");

        host.Configure("postscreen_greet_banner = new banner", "postscreen_greet_wait = soon");
        host.Reload();

        Assert.Contains("keeping the one read before", host.Log, StringComparison.Ordinal);
        Assert.Contains("postscreen_greet_wait", host.Log, StringComparison.Ordinal);
        Assert.Contains("main.cf, line ", host.Log, StringComparison.Ordinal);
        using var talk = host.Connect();
        Assert.Equal("220-old banner", talk.ReadLine());
    }

    [Fact]
    public void A_good_configuration_is_for_new_clients_and_parked_ones_keep_theirs()
    {
        using var host = MailHost.Alone(null, "postscreen_greet_banner = old banner", "postscreen_greet_wait = 5s");
        using var parked = host.Connect("127.0.5.20");
        Assert.Equal("220-old banner", parked.ReadLine());

        host.Configure("postscreen_greet_banner = new banner", "postscreen_greet_action = drop", "postscreen_greet_wait = 5s");
        host.Reload();
        using var late = host.Connect("127.0.5.21");
        Assert.Equal("220-new banner", late.ReadLine());
        parked.Send("EHLO early.example\r\n");
        late.Send("EHLO early.example\r\n");

        Assert.Equal("521 5.5.1 Protocol error", late.ReadReply());
        Assert.StartsWith("220 ", parked.ReadReply()); // ignored, as it was when this client came
        Assert.StartsWith("250", parked.ReadReply());
        parked.Say("QUIT", "221");
    }

    [Fact]
    public void A_changed_access_list_is_in_force_without_a_reload_and_a_broken_one_is_not()
    {
        var blocked = new[] { "127.0.5.31", "127.0.5.32" };
        using var host = MailHost.Alone();
        var table = host.Write("access.cidr", "127.0.5.30 permit\n");
        host.Configure($"postscreen_access_list = cidr:{table}", "postscreen_denylist_action = drop");
        host.Reload();
        Assert.StartsWith("220-", Greeting(host, blocked[0]));

        Replace(table, $"{blocked[0]} reject\n");
        Wait.Until(() => Greeting(host, blocked[0]) == "521 5.3.2 Service currently unavailable", () => "the new list is not in force: " + host.Log, TimeSpan.FromSeconds(10));

        Replace(table, $"{blocked[1]} reject\nno address at all reject\n");
        host.WaitForLog("the version read before stays in force");
        Assert.StartsWith("220-", Greeting(host, blocked[1]));
        Assert.Equal("521 5.3.2 Service currently unavailable", Greeting(host, blocked[0]));
    }

    /// <summary>As careful administrators do it: a new file under the old name.</summary>
    private static void Replace(string path, string text)
    {
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }

    private static string? Greeting(MailHost host, string client)
    {
        using var talk = host.Connect(client);
        return talk.ReadLine();
    }
}
