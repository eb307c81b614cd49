namespace Postern.Interop.Tests;

/// <summary>Who passed once is known after every kind of restart, and a broken store does not stop mail.</summary>
[Collection(nameof(InteropCollection))]
public sealed class AllowlistTests
{
    private const string Client = "127.0.5.10";

    [Fact]
    public void A_pass_is_remembered_after_an_orderly_restart()
    {
        using var host = MailHost.Alone();
        Pass(host, "PASS NEW");

        Assert.Equal(0, host.Postern.Stop());
        host.StartPostern();

        Pass(host, "PASS OLD");
    }

    [Fact]
    public async Task A_pass_is_remembered_after_a_kill()
    {
        using var host = MailHost.Alone();
        Pass(host, "PASS NEW");

        // The one promise about time that there is: 150 ms after a pass it is on disk.
        await Task.Delay(150, TestContext.Current.CancellationToken);
        host.Postern.Kill();
        host.StartPostern();

        Pass(host, "PASS OLD");
    }

    [Fact]
    public void A_damaged_file_is_set_aside_and_mail_flows()
    {
        using var host = MailHost.Alone();
        Pass(host, "PASS NEW");
        Assert.Equal(0, host.Postern.Stop());
        var file = Assert.Single(Directory.GetFiles(host.DataDirectory, "*.postern.db"));
        using (var stream = new FileStream(file, FileMode.Open, FileAccess.Write))
        {
            for (var i = 0; i < stream.Length; i += 8)
                stream.Write("garbage "u8);
        }

        host.StartPostern();
        Pass(host, "PASS NEW");

        Assert.Equal(1, host.Count(" is damaged ("));
        Assert.Single(Directory.GetFiles(host.DataDirectory, "*.damaged-*"));
        Assert.Equal(0, host.Postern.Stop());
        host.StartPostern();
        Pass(host, "PASS OLD");
    }

    [Fact]
    public void A_data_directory_that_cannot_be_written_does_not_stop_mail()
    {
        using var host = MailHost.WithPostfix();
        Pass(host, "PASS NEW");
        Assert.Equal(0, host.Postern.Stop());
        foreach (var file in Directory.GetFiles(host.DataDirectory, "postscreen_cache*"))
            File.Delete(file);
        Tool.Must("chmod", "0555", host.DataDirectory);
        host.StartPostern();

        using (var talk = host.Connect(Client))
        {
            talk.ExpectGreeting();
            Assert.StartsWith("250 2.0.0 Ok: queued", talk.SendMail("a@good.example", "b@lab.example", "no store"));
        }

        host.WaitForLog("PASS NEW [" + Client);
        Assert.Contains("error: open database " + host.DataDirectory, host.Log, StringComparison.Ordinal);
        Pass(host, "PASS OLD"); // there is memory
    }

    private static void Pass(MailHost host, string line)
    {
        var text = $"{line} [{Client}]";
        var before = host.Count(text);
        using var talk = host.Connect(Client);
        talk.ExpectGreeting();
        talk.Say("QUIT", "221");
        Wait.Until(() => host.Count(text) > before, () => $"no {text}: {host.Log}");
    }
}
