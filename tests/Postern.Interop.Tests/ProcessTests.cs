namespace Postern.Interop.Tests;

/// <summary>The process: its user, its end, and its refusal to begin.</summary>
[Collection(nameof(InteropCollection))]
public sealed class ProcessTests
{
    [Fact]
    public void It_ends_up_as_the_mail_owner_with_no_way_back()
    {
        Tool.RequireRoot();
        using var host = MailHost.Alone();

        var user = Tool.Must("id", "-u", MailHost.Owner).Trim();
        var group = Tool.Must("id", "-g", MailHost.Owner).Trim();
        Assert.All(host.Postern.Status("Uid"), id => Assert.Equal(user, id));
        Assert.All(host.Postern.Status("Gid"), id => Assert.Equal(group, id));
        Assert.DoesNotContain("0", host.Postern.Status("Groups"));
        Assert.All((string[])["CapInh", "CapPrm", "CapEff", "CapAmb"], set => Assert.Equal("0000000000000000", Assert.Single(host.Postern.Status(set))));
        foreach (var thread in Directory.GetDirectories($"/proc/{host.Postern.Id}/task"))
            Assert.Contains($"\nUid:\t{user}\t{user}\t{user}\t{user}\n", File.ReadAllText(Path.Combine(thread, "status")), StringComparison.Ordinal);
    }

    [Fact]
    public void Parked_clients_finish_after_SIGTERM_and_the_exit_status_is_0()
    {
        using var host = MailHost.WithPostfix("postscreen_greet_wait = 3s", "postscreen_greet_action = enforce");
        using var parked = host.Connect("127.0.5.40");
        using var talking = host.Connect("127.0.5.41");
        Assert.StartsWith("220-", parked.ReadLine());
        talking.TalkEarly();

        host.Postern.BeginStop();
        host.WaitForLog("stopping: ");
        Assert.Throws<System.Net.Sockets.SocketException>(() => host.Connect("127.0.5.42").Dispose());
        Assert.StartsWith("220 ", parked.ReadReply());
        Assert.StartsWith("250 2.0.0 Ok: queued", parked.SendMail("a@good.example", "b@lab.example", "finished"));
        talking.Say("MAIL FROM:<a@b.example>", "250");
        talking.Say("QUIT", "221");

        Assert.Equal(0, host.Postern.WaitForExit());
        host.WaitForMails(1);
    }

    [Fact]
    public void Clients_that_stay_beyond_the_grace_time_are_told_to_come_back()
    {
        using var host = MailHost.Alone(null, "postscreen_greet_action = enforce");
        File.AppendAllText(Path.Combine(host.ConfigDirectory, "postern.cf"), "postern_stop_grace_time = 1s\n");
        host.Reload();
        using var talking = host.Connect("127.0.5.43");
        talking.TalkEarly();

        host.Postern.BeginStop();

        Assert.Equal("421 4.3.2 Service currently unavailable", talking.ReadReply());
        Assert.Null(talking.ReadReply());
        Assert.Equal(0, host.Postern.WaitForExit());
    }

    [Fact]
    public void Signals_that_come_as_soon_as_it_is_ready_do_what_they_always_do()
    {
        using var host = MailHost.Alone();

        for (var round = 0; round < 5; round++)
        {
            host.Reload();
            Assert.Equal(0, host.Postern.Stop());
            host.StartPostern();
        }
    }

    [Fact]
    public void A_broken_directory_is_described_line_by_line_and_not_served()
    {
        var directory = Directory.CreateTempSubdirectory("postern-interop-").FullName;
        try
        {
            var (main, master) = (Path.Combine(directory, "main.cf"), Path.Combine(directory, "master.cf"));
            File.WriteAllText(main, "compatibility_level = 3.6\nmyhostname = mail.lab.example\npostscreen_greet_wait = soon\npostscreen_greet_action = maybe\npostscreen_dnsbl_sites = bl.example*heavy\nno equals sign\n");
            File.WriteAllText(master, "127.0.0.1:2525 inet n - n - 5 postscreen\nsmtp inet sideways - n - 1 postscreen\n");

            var (status, output) = PosternProcess.Run("check", "-c", directory);
            var (serveStatus, serveOutput) = PosternProcess.Run("serve", "-c", directory, "--log-to-stdout");

            Assert.Equal(1, status);
            Assert.All(
                (string[])[$"{main}:3: error: ", $"{main}:4: error: ", $"{main}:5: error: ", $"{main}:6: error: ", $"{master}:1: error: ", $"{master}:2: error: "],
                place => Assert.Contains(place, output, StringComparison.Ordinal));
            Assert.Equal(1, serveStatus);
            Assert.Contains($"{main}:3: error: ", serveOutput, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public void A_good_directory_passes_the_check()
    {
        using var host = MailHost.Alone();

        var (status, output) = PosternProcess.Run("check", "-c", host.ConfigDirectory);

        Assert.True(status == 0, output);
        Assert.DoesNotContain("error", output, StringComparison.Ordinal);
    }
}
