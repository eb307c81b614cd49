using System.Text;
using Postern.Core;
using Postern.Core.Dnsbl;

namespace Postern.Fuzz.Targets;

/// <summary>DNS list elements: any text is read, and what is read scores within its weights.</summary>
internal static class DnsblSitesTarget
{
    public static readonly FuzzTarget Target = new(
        "dnsbl-sites", Run, MaxInput: 2048, MaxAllocated: (200_000, 20_000),
        ["bl.example", "=127.0.0.2", "=127.0.0.[2..11]", "=[127.0.[0..255].[1;3]]", "*-2", "*3", "*", "=", "[", "]", "..", ";", ",", " ", "-", "2147483647", "-2147483648", "4294967296"]);

    private static readonly uint[] Answers = [0x7f000002, 0x7f0000ff, 0x7ffffffe, 0x0a010203, 0, uint.MaxValue];

    private static void Run(byte[] input)
    {
        var sink = new CountingSink(longest: 3 * 2048 + 200);
        var sites = DnsblSites.Parse(Encoding.Latin1.GetString(input), null, input.Length % 2 == 0, sink, sink);
        var score = new DnsblScore(sites);
        score.Start(sites.Lists.Length);
        foreach (var list in sites.Lists)
        {
            FuzzFailure.Unless(HostNameSyntax.Problem(list.Domain) is null && !list.Rules.IsEmpty, $"{list.Domain} is a list");
            foreach (var rule in list.Rules)
            {
                if (rule.Filter is not { } filter)
                    continue;
                FuzzFailure.Unless(ReplyFilter.TryParse(filter.Text, out var again, out _), $"{filter.Text} is read again");
                foreach (var address in Answers)
                    FuzzFailure.Unless(filter.Matches(address) == again!.Matches(address), $"{filter.Text} means the same again");
            }

            score.Add(list, Answers, 60);
        }

        FuzzFailure.Unless(score.Pending == 0 && score.TimeToLive(TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)) >= TimeSpan.FromSeconds(1), "every list has answered");
    }
}
