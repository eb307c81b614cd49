using System.Runtime.CompilerServices;
using Postern.Core.Config;
using Postern.Core.Versions;

namespace Postern.Tests.Config;

/// <summary><c>postern config -d</c> beside <c>postconf -d</c> of the real programs: tests/versions/record-defaults.</summary>
public sealed class PostfixDefaultsTests
{
    // What postconf says of itself, not of the daemon; and what is another on purpose.
    private static readonly string[] NotCompared = ["process_id", "process_name", "service_name", .. PostfixDifferences.ClientPrefix.Parameters];

    [Theory]
    [InlineData("3.7")]
    [InlineData("3.10")]
    [InlineData("3.11")]
    public void Each_default_is_that_of_the_version(string series)
    {
        var golden = File.ReadLines(Path.Combine(Here(), "PostfixDefaults", series + ".txt")).Select(static line => line.Split(" =", 2)).ToDictionary(static parts => parts[0], static parts => parts[1].Trim());
        var built = PostfixRelease.BuildDefaults.Where(golden.ContainsKey).ToDictionary(static name => name, name => golden[name]);
        var directory = new ConfigDirectory("");
        var host = directory.Host with
        {
            Addresses = [ConfigDirectory.Own("127.0.0.1", 8), ConfigDirectory.Own("::1", 128)],
            FindPostfix = (_, _) => new FoundPostfix(golden["mail_version"], "postconf", built),
        };
        var listing = ParameterListing.Load("/etc/postfix", directory, host, service: null, []);

        var differing = golden.Where(pair => !NotCompared.Contains(pair.Key) && listing.DefaultOf(pair.Key) != pair.Value).Select(pair => $"{pair.Key} = {pair.Value} -- here {listing.DefaultOf(pair.Key)}");

        Assert.True(golden.Count > 180);
        Assert.Empty(differing);
    }

    // Somebody who adds a parameter of Postfix's records it.
    [Fact]
    public void Each_parameter_of_Postfix_is_in_the_recording_of_the_version_that_has_it()
    {
        var recorded = Directory.GetFiles(Path.Combine(Here(), "PostfixDefaults")).SelectMany(File.ReadLines).Select(static line => line.Split(" =")[0]).ToHashSet();

        var unknown = Parameters.All.Where(row => row.Use is ParameterUse.Used or ParameterUse.Default && !recorded.Contains(row.Name)).Select(static row => row.Name)
            .Where(static name => !name.StartsWith("postern_", StringComparison.Ordinal) && !name.StartsWith("postscreen_tls_", StringComparison.Ordinal));

        Assert.Empty(unknown);
    }

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
