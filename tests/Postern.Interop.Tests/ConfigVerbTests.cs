using Postern.Core.Config;

namespace Postern.Interop.Tests;

/// <summary><c>postern config</c> beside postconf, on the same files.</summary>
public sealed class ConfigVerbTests
{
    private static readonly string[] SetByTheProcess = ["config_directory", "process_id", "process_name"];

    [Theory]
    [InlineData("")]
    [InlineData("-d")]
    [InlineData("-n")]
    [InlineData("-h")]
    [InlineData("-x")]
    [InlineData("-x -d")]
    [InlineData("-o postscreen_greet_wait=9s -o postscreen_access_list=permit")]
    public void It_prints_the_parameters_that_both_know_as_postconf_does(string options)
    {
        Tool.Require("postconf");
        var directory = Directory.CreateTempSubdirectory("postern-config-").FullName;
        try
        {
            File.WriteAllText(
                Path.Combine(directory, "main.cf"),
                "compatibility_level = 3.6\npostscreen_greet_wait = ${stress?{1}:{4}}s\npostscreen_access_list = permit_mynetworks,\n\tcidr:$config_directory/access,\n   reject\n"
                + "postscreen_greet_banner =\npostscreen_blacklist_action = drop\npostscreen_dnsbl_ttl = 2h\n"
                + "mynetworks = 192.0.2.0/24 $smtpd_proxy_ehlo\nalias_maps = hash:/etc/aliases\nsmtpd_reject_footer_maps = $smtpd_sender_login_maps $local_recipient_maps $lmtp_lhlo_name\n");
            File.WriteAllText(Path.Combine(directory, "master.cf"), "smtp inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\n");
            var names = Tool.Must("postconf", "-c", directory).Split('\n').Select(static line => line.Split(" =")[0]).Intersect(ParameterListing.Known).Except(SetByTheProcess).ToList();
            string[] arguments = ["-c", directory, .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries), .. names];

            var expected = Tool.Must("postconf", arguments);
            var (status, actual) = PosternProcess.Run(["config", .. arguments]);

            Assert.Equal(expected, actual);
            Assert.Equal(0, status);
            Assert.True(names.Count > 180, "there are more of them");
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
