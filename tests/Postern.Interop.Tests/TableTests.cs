using System.Text;
using Postern.Cli;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Tables;
using Postern.Storage;
using Postern.Tables;

namespace Postern.Interop.Tests;

/// <summary>The same tables and keys for Postern and for Postfix's postmap(1): the same answers, and the same complaints.</summary>
public sealed class TableTests : IDisposable
{
    private const int Rounds = 25;

    private static readonly string[] Expressions =
    [
        "a", "b+", "(a)(b)?", "^a", "z$", "[a-c]", "[[:digit:]]+", "(a|b)*c", ".", "", "x*", "\\.", "(", "[", "a\\/b", "(x)|(y)", "A", "^$", "a{2}", "*", "\\(a\\)", "(a)\\1",
    ];

    private static readonly string[] Replacements =
    [
        "one", "$1", "${1}-${2}", "$(1)", "$$", "$0", "$3", "a$", "${", "$x", "two words", "", "$1$1", "$01", "$", "${1a}", "$9999999999",
    ];

    private static readonly string[] Keys =
        ["a", "b", "ab", "abc", "aab", "z", "1", "12a", "x", "y", "xy", "a.b", "a/b", "c", "Az", "AA", "q", "bbbbc", "\u00c3\u00a9", "(a)"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("postern-tables-");
    private readonly WarningList _warnings = new();

    public TableTests()
    {
        Tool.Require("postmap");
        foreach (var folder in (string[])["queue", "data"])
            _folder.CreateSubdirectory(folder);
        Write("main.cf", $"compatibility_level = 3.6\nqueue_directory = {_folder}/queue\ndata_directory = {_folder}/data\ncommand_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\n");
        Write("master.cf", "smtp inet n - n - 1 postscreen\n");
    }

    [Theory]
    [InlineData("pcre", "imsxAEUXq")]
    [InlineData("regexp", "imxq")]
    public void Rules_are_read_and_matched_as_Postfix_does(string type, string flags)
    {
        RequireType(type);
        var random = new Random(2026_11_24);
        for (var round = 0; round < Rounds; round++)
        {
            var rules = new StringBuilder();
            for (var i = 0; i < 12; i++)
                rules.Append(RandomRule(random, flags, type == "regexp")).Append('\n');
            CheckAgainstPostmap($"{type}:{Write("rules", rules.ToString())}", Keys);
        }
    }

    [Theory]
    [InlineData("hash")]
    [InlineData("btree")]
    [InlineData("cdb")]
    [InlineData("texthash")]
    public void Stored_tables_answer_as_Postfix_does(string type)
    {
        RequireType(type);
        var random = new Random(2026_11_24);
        for (var round = 0; round < 4; round++)
        {
            var text = new StringBuilder();
            var keys = new List<string> { "missing", "UPPER" };
            for (var i = 0; i < 1 << (4 * round); i++)
            {
                var key = $"{(char)('A' + random.Next(52))}{random.Next(100_000)}.{i}" + new string('k', i == 7 ? 1200 : 0);
                keys.Add(key);
                text.Append(key).Append(' ').Append(i % 100 == 3 ? new string('v', random.Next(12_000)) : $"value {i}").Append('\n');
            }

            var path = Write($"table{round}", text.ToString());
            if (type != "texthash")
                Tool.Must("postmap", "-c", _folder.FullName, $"{type}:{path}");
            CheckAgainstPostmap($"{type}:{path}", keys);
        }
    }

    [Theory]
    [InlineData("unionmap:{static:a,inline:{a=x,B=y}}")]
    [InlineData("unionmap:{inline:{a=,b=q},pcre:{{/(b)/ $$1$1}}}")]
    [InlineData("pipemap:{regexp:{{/(.)b/ $1}},inline:{a=found,A=too}}")]
    [InlineData("pipemap:{unionmap:{inline:{ab=x},static:y},inline:{{x,y = deep}}}")]
    [InlineData("cidr:{{10.0.0.0/8 ten}, {!192.0.2.0/24 other}}")]
    public void Composed_tables_answer_as_Postfix_does(string spec) =>
        CheckAgainstPostmap(spec, [.. Keys.Where(static key => !key.StartsWith('q')), "10.1.2.3", "192.0.2.9"]);

    [Fact]
    public void A_database_that_postmap_replaces_is_read_anew()
    {
        RequireType("hash");
        var path = Write("access", "1.2.3.4 old\n");
        Tool.Must("postmap", "-c", _folder.FullName, $"hash:{path}");
        var tables = Load().Tables;
        var table = tables.Open($"hash:{path}", foldCase: true, _warnings);
        Assert.Equal(LookupResult.Found("old"), table.Lookup("1.2.3.4", _warnings));

        Write("access", "1.2.3.4 new\n5.6.7.8 more\n");
        Tool.Must("postmap", "-c", _folder.FullName, $"hash:{path}");
        tables.Refresh(_warnings);
        tables.Refresh(_warnings);

        Assert.Equal(LookupResult.Found("new"), table.Lookup("1.2.3.4", _warnings));
        Assert.Equal(LookupResult.Found("more"), table.Lookup("5.6.7.8", _warnings));
        Assert.Equal([$"table hash:{path} has changed - using the new version"], _warnings.Texts);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static string RandomRule(Random random, string flags, bool canHaveSecond)
    {
        switch (random.Next(14))
        {
            case 0: return "endif" + Pick(random, "", "", " ", " x");
            case 1: return Pick(random, "foo bar", "if", "if !", "!", "ENDIFx", "/a", "!/a", "# comment", "1/x/ y");
            case 2 or 3: return Pick(random, "if ", "IF ", "if !", "if") + RandomTest(random, flags) + Pick(random, "", "", " ", " x y");
        }

        var rule = Pick(random, "", "", "", "!", "!!", "! ") + RandomTest(random, flags);
        if (canHaveSecond && random.Next(4) == 0)
            rule += Pick(random, "!", "!!") + RandomTest(random, flags);
        return rule + Pick(random, " ", "\t", "  ") + Pick(random, Replacements);
    }

    private static string RandomTest(Random random, string flags)
    {
        var delimiter = Pick(random, "/", "/", "/", "|", ",");
        var expression = Pick(random, Expressions);
        return delimiter + expression + delimiter + (random.Next(3) == 0 ? flags[random.Next(flags.Length)].ToString() : "");
    }

    private static string Pick(Random random, params string[] choices) => choices[random.Next(choices.Length)];

    private void CheckAgainstPostmap(string spec, IReadOnlyList<string> keys)
    {
        var table = Load().Tables.OpenUtf8(spec, foldCase: true, _warnings);
        var ours = new StringBuilder();
        foreach (var key in keys)
        {
            if (table.Lookup(key, _warnings) is { Status: LookupStatus.Found } result)
                ours.Append(key).Append('\t').Append(result.Value).Append('\n');
        }

        var input = Write("keys", string.Join('\n', keys) + "\n");
        var (status, _) = Tool.Run("sh", "-c", "postmap -c \"$1\" -q - \"$2\" <\"$3\" >\"$1/output\" 2>\"$1/errors\"", "sh", _folder.FullName, spec, input);
        var what = $"{spec}\n{(spec.Contains("rules", StringComparison.Ordinal) ? Read("rules") : "")}";
        Assert.True(status <= 1, what + Read("errors"));
        Assert.Equal(what + Read("output"), what + ours);
        var theirs = Read("errors").Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => line.Replace("postmap: warning: ", "", StringComparison.Ordinal))
            .Where(static line => !line.Contains("empty string result", StringComparison.Ordinal) && !line.Contains("NO RESULT", StringComparison.Ordinal)
                && !line.Contains("deprecated", StringComparison.Ordinal) && !line.Contains("NON_BERKELEYDB", StringComparison.Ordinal)); // Debian's 3.11, of Berkeley DB (berkeley-deprecation in docs/compatibility.md)
        Assert.Equal(what + string.Join('\n', theirs), what + string.Join('\n', _warnings.Take()));
    }

    private Configuration Load()
    {
        var configuration = Configuration.Load(_folder.FullName, new TextFiles(), HostFactsReader.Read(), HostTableTypes.For);
        Assert.False(configuration.HasErrors, string.Join('\n', configuration.Problems));
        return configuration;
    }

    private void RequireType(string type)
    {
        var types = Tool.Must("postconf", "-c", _folder.FullName, "-m").Split('\n', StringSplitOptions.TrimEntries);
        Assert.SkipUnless(types.Contains(type), $"needs postfix-{type}, which is not installed");
    }

    private string Read(string name) => File.ReadAllText(Path.Combine(_folder.FullName, name), Encoding.Latin1);

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, text, Encoding.Latin1);
        return path;
    }

    private sealed class WarningList : IWarningSink
    {
        public List<string> Texts { get; } = [];

        public void Warn(string text) => Texts.Add(text);

        public List<string> Take()
        {
            List<string> texts = [.. Texts];
            Texts.Clear();
            return texts;
        }
    }
}
