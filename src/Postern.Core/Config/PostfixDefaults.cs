using System.Collections.Frozen;
using System.Text;

namespace Postern.Core.Config;

/// <summary>
/// The defaults of parameters that only other programs of Postfix read: postconf(1) expands their names, its daemons do
/// not. Read from the program at the first question.
/// </summary>
internal static class PostfixDefaults
{
    private static readonly Lazy<FrozenDictionary<string, string>> Texts = new(Read);

    /// <summary>The default text; null: Postfix has no such parameter, its default is empty, or Postern has a row for it.</summary>
    public static string? Find(string name) => Texts.Value.GetValueOrDefault(name);

    private static FrozenDictionary<string, string> Read()
    {
        const string File = "PostfixDefaults.cf";
        using var reader = new StreamReader(typeof(PostfixDefaults).Assembly.GetManifestResourceStream(File)!, Encoding.Latin1);
        var mainCf = new MainCf();
        mainCf.Read(reader.ReadToEnd(), File, new ProblemList());
        return mainCf.Entries.ToFrozenDictionary(static entry => entry.Key, static entry => entry.Value.Value);
    }
}
