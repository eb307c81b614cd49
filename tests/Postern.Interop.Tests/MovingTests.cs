using System.Runtime.CompilerServices;

namespace Postern.Interop.Tests;

/// <summary>The commands of docs/moving-from-postscreen.md, on master.cf as people have it; what is known before and after.</summary>
[Collection(nameof(InteropCollection))]
public sealed class MovingTests
{
    private const string Rest = "cleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\nsubmission inet n - n - - smtpd\n  -o syslog_name=postfix/submission\n";

    [Theory]
    [InlineData("smtp inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\n", "smtp smtpd")]
    [InlineData("smtp\tinet\tn\t-\tn\t-\t1\tpostscreen\nsmtpd\tpass\t-\t-\tn\t-\t-\tsmtpd\n", "smtp smtpd")]
    [InlineData("25 inet n - n - 1 postscreen\n  -o postscreen_greet_wait=3s\n\t-o {postscreen_greet_banner = one moment}\nsmtpd pass - - n - - smtpd\n", "25 smtpd")]
    [InlineData("smtp inet n - n - 1 postscreen\n2525 inet n - n - 1 postscreen\n  -o smtpd_service_name=other\nsmtpd pass - - n - - smtpd\nother pass - - n - - smtpd -v\n", "smtp 2525 smtpd other")]
    [InlineData("smtp inet n - n - 1 postscreen\n#smtpd pass - - n - - smtpd\n", "smtp")]
    public void The_guide_takes_along_what_Postern_needs(string lines, string services)
    {
        Tool.Require("postconf", "awk");
        var directory = Directory.CreateTempSubdirectory("postern-moving-").FullName;
        try
        {
            var (theirs, ours) = (Path.Combine(directory, "postfix"), Path.Combine(directory, "postern"));
            Directory.CreateDirectory(theirs);
            File.WriteAllText(
                Path.Combine(theirs, "main.cf"), $"compatibility_level = 3.6\nmyhostname = mx.example.com\ninet_interfaces = loopback-only\nmail_owner = {MailHost.Owner}\n");
            File.WriteAllText(Path.Combine(theirs, "master.cf"), lines + Rest);

            Tool.Must("sh", "-c", $"export MAIL_CONFIG={theirs}; {GuidesCommands.Replace("/etc/postern", ours, StringComparison.Ordinal)}");
            var (status, output) = PosternProcess.Run("check", "-c", ours);

            Assert.Equal(services, string.Join(' ', File.ReadLines(Path.Combine(ours, "master.cf")).Select(static line => line.Split(' ')[0])));
            Assert.Equal(
                Tool.Must("postconf", ["-c", theirs, "-M", .. services.Split(' ').Select(static name => name is "smtpd" or "other" ? name + "/pass" : name + "/inet")]),
                File.ReadAllText(Path.Combine(ours, "master.cf")));
            if (services.Contains("smtpd", StringComparison.Ordinal))
                Assert.True(status == 0 && output.Contains("/private/smtpd", StringComparison.Ordinal), output);
            else
                Assert.True(status == 1 && output.Contains("master.cf:1: error: master.cf has no service smtpd of type pass", StringComparison.Ordinal), output);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Theory]
    [InlineData("btree")]
    [InlineData("lmdb")]
    [InlineData(null)] // what this Postfix has without a word about it
    public void Who_passed_with_one_passes_with_the_other_in_both_directions(string? type)
    {
        var map = "postscreen_cache_map = " + (type is null ? Tool.Must("postconf", "-dh", "postscreen_cache_map").Trim() : type + ":$data_directory/postscreen_cache");
        using var host = MailHost.UnderMaster([Line("postscreen")], map);
        var clients = new List<string>();
        foreach (var program in (string[])["postscreen", "postern", "postscreen", "postern"])
        {
            if (clients.Count > 0)
            {
                host.StopPostfix();
                host.ConfigureMaster([Line(program)], map);
                host.StartPostfix();
            }

            foreach (var known in clients)
                Greet(host, known, "PASS OLD");
            clients.Add($"127.0.7.{clients.Count + 1}");
            Greet(host, clients[^1], "PASS NEW");
        }

        static string Line(string program) => $"PORT inet n - n - 1 {program}";

        static void Greet(MailHost host, string client, string expected)
        {
            var before = host.Count($"{expected} [{client}]");
            using var talk = host.Connect(client);
            talk.ExpectGreeting();
            talk.Say("QUIT", "221");
            Wait.Until(() => host.Count($"{expected} [{client}]") > before, () => $"no {expected} of {client}: {host.LogEnd}");
        }
    }

    /// <summary>Those that make the folder, from its first one to the one before the check.</summary>
    private static string GuidesCommands
    {
        get
        {
            var guide = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "../../docs/moving-from-postscreen.md"));
            var start = guide.IndexOf("mkdir /etc/postern", StringComparison.Ordinal);
            return guide[start..guide.IndexOf("postern check", start, StringComparison.Ordinal)];
        }
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
