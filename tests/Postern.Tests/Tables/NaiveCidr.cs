using System.Globalization;
using System.Net;
using CsCheck;

namespace Postern.Tests.Tables;

/// <summary>cidr_table(5) read rule by rule and bit by bit, and the rules to try it with.</summary>
internal static class NaiveCidr
{
    // Few networks and addresses, so that they meet.
    private static readonly Gen<string> Network = Gen.OneOf(
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 3]).Select((third, last) => $"10.0.{third}.{last}"),
        Gen.Int[0, 3].Select(third => $"10.0.{third}.0/24"),
        Gen.OneOf("10.0.0.0/23", "10.0.0.0/8", "0.0.0.0/0", "10.0.1.0/30", "10.0.1.2/31", "9.0.0.0/8"),
        Gen.Int[0, 3].Select(last => $"2001:db8::{last}"),
        Gen.Int[0, 3].Select(last => $"::ffff:10.0.1.{last}"),
        Gen.OneOf("::ffff:10.0.1.0/120", "::ffff:0.0.0.0/96", "255.255.255.255", "255.0.0.0/8", "ffff::/16", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        Gen.OneOf("2001:db8::/64", "2001:db8::2/127", "2000::/3", "::/0", "fe80::/10", "2001:db8:0:1::/65"));

    public static readonly Gen<string> Address = Gen.OneOf(
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 3]).Select((third, last) => $"10.0.{third}.{last}"),
        Gen.Int[0, 3].Select(last => $"2001:db8::{last}"),
        Gen.Int[0, 3].Select(last => $"::ffff:10.0.1.{last}"), // as IPv6: no client has such a text
        Gen.OneOf("0.0.0.0", "255.255.255.255", "254.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::fffe:ffff:ffff", "::1:0:0:0"),
        Gen.OneOf("9.9.9.9", "192.0.2.1", "fe80::1", "2001:db8:0:1::5", "4000::"));

    private static readonly Gen<string> Pattern =
        Gen.Select(Gen.OneOf("", "", "", "!", "! !"), Network).Select((negation, network) => negation + network);

    public static readonly Gen<string> Line = Gen.OneOf(
        Gen.Select(Pattern, Gen.Int[0, 1000]).Select((pattern, number) => $"{pattern} result {number}"),
        Gen.Select(Pattern, Gen.Int[0, 2]).Select((pattern, number) => $"{pattern} result {number}"), // many say the same
        Pattern.Select(pattern => $"if {pattern}"),
        Gen.Const("endif"));

    /// <summary>Many rules of one family in a row.</summary>
    public static readonly Gen<string> IPv4Run =
        Gen.Select(Gen.Int[0, 3], Gen.Int[1, 40], Gen.Int[0, 1000]).Select((third, count, number) =>
            string.Join('\n', Enumerable.Range(0, count).Select(i => $"10.9.{third}.{i} result {number + i}"))
            + $"\n10.0.{third}.{count % 4} result {number}");

    public static string? Lookup(string[] lines, string address)
    {
        var client = IPAddress.Parse(address);
        var skipped = 0; // depth of blocks that do not apply
        var entered = 0;
        foreach (var line in lines)
        {
            var isCondition = line.StartsWith("if ", StringComparison.Ordinal);
            if (line == "endif")
            {
                if (skipped > 0)
                    skipped--;
                else if (entered > 0)
                    entered--;
            }
            else if (skipped > 0)
            {
                if (isCondition)
                    skipped++;
            }
            else if (isCondition)
            {
                if (Matches(line[3..], client))
                    entered++;
                else
                    skipped++;
            }
            else
            {
                var end = line.LastIndexOf(" result ", StringComparison.Ordinal);
                if (Matches(line[..end], client))
                    return line[(end + 1)..];
            }
        }

        return null;
    }

    private static bool Matches(string pattern, IPAddress client)
    {
        var network = pattern.Trim('!', ' ');
        var isNegated = pattern.Count(c => c == '!') % 2 != 0;
        var slash = network.IndexOf('/');
        var first = IPAddress.Parse(slash < 0 ? network : network[..slash]).GetAddressBytes();
        var address = client.GetAddressBytes();
        var length = slash < 0 ? 8 * first.Length : int.Parse(network[(slash + 1)..], CultureInfo.InvariantCulture);
        var isInside = first.Length == address.Length && Enumerable.Range(0, length).All(bit => ((first[bit / 8] ^ address[bit / 8]) & (0x80 >> (bit % 8))) == 0);
        return first.Length == address.Length && isInside != isNegated;
    }
}
