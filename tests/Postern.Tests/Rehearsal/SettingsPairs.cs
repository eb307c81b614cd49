namespace Postern.Tests.Rehearsal;

/// <summary>Two configurations: one that was recorded, and one that is asked about. Each is a list of <c>name=value</c> between semicolons.</summary>
internal static class SettingsPairs
{
    private const string Lists = "postscreen_dnsbl_sites=bl.example*2 slow.example*2;postscreen_dnsbl_action=enforce;postscreen_dnsbl_threshold=2",
        Praise = "postscreen_dnsbl_sites=bl.example*2 white.example*-2;postscreen_dnsbl_action=enforce;postscreen_dnsbl_threshold=2",
        Deep = "postscreen_pipelining_enable=yes;postscreen_pipelining_action=enforce;postscreen_non_smtp_command_enable=yes;postscreen_non_smtp_command_action=enforce;postscreen_bare_newline_enable=yes;postscreen_bare_newline_action=enforce",
        Lanes = "postern_greet_wait_generic=20s;postern_greet_wait_unconfirmed=25s;postern_greet_wait_none=30s",
        Denied = "postscreen_access_list=inline:{198.19.0.0/17=reject};postscreen_denylist_action=enforce",
        ShortPasses = "postscreen_greet_ttl=10m",
        One = "postscreen_client_connection_count_limit=1";

    private static readonly string[] Waits = [Wait(2), Wait(6), Wait(15), Wait(30)];
    private static readonly string[] Actions = ["ignore", "enforce", "drop"];

    /// <summary>Those that the suite plays.</summary>
    public static IReadOnlyList<(string Before, string After)> All { get; } =
    [
        .. Changes(Waits),
        .. Changes([.. Actions.Select(static action => $"postscreen_greet_action={action}")]),
        .. Changes([.. Actions.Select(static action => Lists + $";postscreen_dnsbl_action={action}")]),
        (Lists + ";postscreen_dnsbl_threshold=3", Lists), (Lists, Lists + ";postscreen_dnsbl_threshold=3"), (Lists, Lists + ";postscreen_dnsbl_threshold=1"),
        (Lists, Lists + ";postscreen_dnsbl_sites=bl.example*1 slow.example*2"), // weights
        (Lists, Lists + ";postscreen_dnsbl_sites=bl.example=127.0.0.9*2 slow.example*2"), // a filter
        (Lists, Lists + ";postscreen_dnsbl_sites=bl.example*2 slow.example*2 third.example*2"),
        (Lists, Lists + ";postscreen_dnsbl_sites=bl.example*2"), ("", Lists), (Lists, ""),
        (Lists, Praise), (Praise, Praise + ";postscreen_dnsbl_allowlist_threshold=-1"), (Praise + ";postscreen_dnsbl_allowlist_threshold=-1", Praise),
        (Lists + ";postscreen_dnsbl_max_ttl=2h", Lists + ";postscreen_dnsbl_max_ttl=10m"), (Lists + ";postscreen_dnsbl_min_ttl=60s", Lists + ";postscreen_dnsbl_min_ttl=20m"),
        (Lists + ";" + Wait(6), Lists + ";" + Wait(2)), (Lists + ";" + Wait(15), Lists + ";" + Wait(2)), (Lists + ";" + Wait(2), Lists + ";" + Wait(15)),
        (Lists + ";postscreen_greet_action=ignore", Lists),
        ("", Deep), (Deep, ""), (Deep, WithDeep("ignore")), (WithDeep("ignore"), Deep), (WithDeep("ignore"), WithDeep("drop")), (Deep, WithDeep("drop")), (WithDeep("drop"), Deep),
        (Deep, Deep + ";postscreen_bare_newline_ttl=10m;postscreen_pipelining_ttl=10m"), ("", "postscreen_bare_newline_enable=yes;postscreen_bare_newline_action=drop"),
        (Deep + ";" + Wait(2), Deep + ";" + Wait(6)), (Deep + ";" + Wait(6), Deep + ";" + Wait(2)), (Deep + ";" + Wait(2), Deep + ";" + Wait(7)),
        ("", Lanes), (Lanes, ""), (Lanes, Lanes + ";postern_greet_wait_none=60s"), (Lanes, Lanes + ";postern_targrey=yes"), (Lanes + ";postern_targrey=yes", Lanes),
        ("", Denied), (Denied, ""), (Denied + ";postscreen_denylist_action=ignore", Denied), (Denied, Denied + ";postscreen_denylist_action=drop"),
        ("", ShortPasses), (ShortPasses, ""), ("", One), (One, ""),
        (Lists + ";" + Deep + ";" + Wait(15), ""), ("", Lists + ";" + Deep), (Lists + ";" + Lanes, Lists + ";" + Deep), (Lanes + ";" + Deep, Lists + ";" + Wait(2)),
    ];

    /// <summary>Any two, from a number.</summary>
    public static (string Before, string After) Drawn(int number)
    {
        var random = new Random(number);
        var before = Draw();
        return (before, random.Next(3) == 0 ? Draw() : before + ";" + Part());

        string Draw() => string.Join(';', Enumerable.Range(0, random.Next(1, 5)).Select(_ => Part()));

        string Part() => random.Next(16) switch
        {
            0 or 1 => Waits[random.Next(Waits.Length)],
            2 => $"postscreen_greet_action={Actions[random.Next(3)]}",
            3 => Lists,
            4 => Praise + $";postscreen_dnsbl_allowlist_threshold=-{random.Next(3)}",
            5 => $"postscreen_dnsbl_sites=bl.example*{random.Next(1, 3)} slow.example*{random.Next(1, 3)} third.example*{random.Next(1, 3)};postscreen_dnsbl_threshold={random.Next(1, 4)}",
            6 => $"postscreen_dnsbl_action={Actions[random.Next(3)]}",
            7 => $"postscreen_dnsbl_max_ttl={random.Next(2, 120)}m",
            8 => Deep,
            9 => WithDeep(Actions[random.Next(3)]),
            10 => $"postscreen_bare_newline_enable=yes;postscreen_bare_newline_action={Actions[random.Next(3)]};postscreen_bare_newline_ttl={random.Next(5, 100)}m",
            11 => Lanes,
            12 => Lanes + $";postern_targrey=yes;postern_targrey_delay={random.Next(10, 600)}s",
            13 => Denied + $";postscreen_denylist_action={Actions[random.Next(3)]}",
            14 => $"postscreen_greet_ttl={random.Next(2, 1500)}m",
            _ => $"postscreen_client_connection_count_limit={random.Next(1, 3)}",
        };
    }

    private static string Wait(int seconds) => $"postscreen_greet_wait={seconds}s";

    private static string WithDeep(string action) => Deep.Replace("action=enforce", "action=" + action, StringComparison.Ordinal);

    private static IEnumerable<(string, string)> Changes(string[] all) => all.SelectMany(before => all.Where(after => after != before).Select(after => (before, after)));
}
