namespace Postern.Interop.Tests;

/// <summary>A disk that takes nothing costs what is remembered and seen, never a mail.</summary>
[Collection(nameof(InteropCollection))]
public sealed class DataDirectoryTests
{
    private static readonly string[] Observed = ["postern_event_log = $data_directory/events", "postscreen_greet_wait = 1s"];

    [Theory]
    [InlineData("read-only")]
    [InlineData("full")]
    public void A_disk_that_takes_nothing_at_the_start_stops_nothing_and_all_comes_by_itself(string trouble)
    {
        using var host = MailHost.WithPostfix(Observed);
        Assert.Equal(0, host.Postern.Stop());
        foreach (var file in Directory.GetFileSystemEntries(host.DataDirectory))
            File.Delete(file);
        Assert.SkipUnless(Tool.Run("mount", "-t", "tmpfs", "-o", $"size=2m,nr_inodes=30,mode=700,uid={Tool.Must("id", "-u", MailHost.Owner).Trim()}", "none", host.DataDirectory).Status == 0, "mount is not allowed here");
        try
        {
            if (trouble == "read-only")
                Tool.Must("mount", "-o", "remount,ro", host.DataDirectory);
            else
                Fill(host.DataDirectory);

            host.StartPostern();

            var reason = trouble == "read-only" ? "Read-only file system" : "No space left on device";
            host.WaitForLog($"warning: postern_control_socket: cannot listen on {host.DataDirectory}/control: {reason} -- commands will not find this process");
            host.WaitForLog($"warning: open postern_event_log {host.DataDirectory}/events: {reason}; it is tried again every second");
            Deliver(host, "127.0.7.1", "new");
            using (var known = host.Connect("127.0.7.1"))
                Assert.StartsWith("220 ", known.ReadLine()); // from memory

            if (trouble == "read-only")
                Tool.Must("mount", "-o", "remount,rw", host.DataDirectory);
            else
                Tool.Must("find", host.DataDirectory, "-name", "filler*", "-delete");
            host.WaitForLog($"postern_control_socket: listening on {host.DataDirectory}/control");
            Wait.Until(() => PosternProcess.Run("allowlist", "show", "127.0.7.1", "-c", host.ConfigDirectory).Status == 0, () => $"commands do not find it: {host.LogEnd}");
            Deliver(host, "127.0.7.2", "later");
            var events = Path.Combine(host.DataDirectory, "events");
            Wait.Until(() => File.Exists(events) && File.ReadAllLines(events).Length >= 3, () => $"events do not come: {host.LogEnd}");
            Assert.Contains("127.0.7.1", File.ReadAllText(events), StringComparison.Ordinal); // of the time before
            host.WaitForLog("works again");
            Assert.Equal(0, host.Postern.Stop());
            host.StartPostern();
            using var remembered = host.Connect("127.0.7.1");
            Assert.StartsWith("220 ", remembered.ReadLine());
            host.WaitForMails(2);
        }
        finally
        {
            host.Postern.Kill();
            Tool.Must("umount", host.DataDirectory);
        }
    }

    [Fact]
    public void A_directory_that_cannot_be_made_stops_nothing()
    {
        using var host = MailHost.WithPostfix(Observed);
        Assert.Equal(0, host.Postern.Stop());
        var file = host.Write("file", "no folder");
        host.Configure([.. Observed, $"data_directory = {file}/data"]);

        host.StartPostern();

        host.WaitForLog($"warning: cannot make data_directory {file}/data: Not a directory");
        Deliver(host, "127.0.7.3", "without");
        host.WaitForMails(1);
    }

    [Fact]
    public void The_built_in_receiver_comes_when_its_disk_does()
    {
        Tool.RequireRoot();
        using var host = MailHost.Alone(null, Observed);
        Assert.Equal(0, host.Postern.Stop());
        foreach (var entry in Directory.GetFileSystemEntries(host.DataDirectory))
            Tool.Must("rm", "-r", entry);
        Assert.SkipUnless(Tool.Run("mount", "-t", "tmpfs", "-o", $"ro,mode=700,uid={Tool.Must("id", "-u", MailHost.Owner).Trim()}", "none", host.DataDirectory).Status == 0, "mount is not allowed here");
        try
        {
            host.StartPostern();

            host.WaitForLog($"error: cannot use maildir {host.DataDirectory}/maildir: Read-only file system -- clients that pass are told to come back");
            using (var early = host.Connect("127.0.7.4"))
            {
                early.ExpectGreeting();
                Assert.StartsWith("4", early.SendMail("a@[127.0.0.1]", "b@lab.example", "early"));
            }

            Tool.Must("mount", "-o", "remount,rw", host.DataDirectory);
            host.WaitForLog("the built-in receiver works");
            Deliver(host, "127.0.7.4", "late");
            host.WaitForMails(1);
            Assert.Equal(0, host.Postern.Stop());
        }
        finally
        {
            host.Postern.Kill();
            Tool.Must("umount", host.DataDirectory);
        }
    }

    private static void Deliver(MailHost host, string from, string subject)
    {
        using var client = host.Connect(from);
        client.ExpectGreeting();
        Assert.StartsWith("250 2.0.0 Ok: queued", client.SendMail("a@[127.0.0.1]", "b@lab.example", subject));
    }

    // All bytes, and all names.
    private static void Fill(string folder)
    {
        try
        {
            File.WriteAllBytes(Path.Combine(folder, "filler"), new byte[4 << 20]);
        }
        catch (IOException)
        {
            // full
        }

        try
        {
            for (var i = 0; i < 100; i++)
                File.WriteAllText(Path.Combine(folder, $"filler{i}"), "");
        }
        catch (IOException)
        {
            // full
        }
    }
}
