using System.Text.Json;

namespace Postern.Tests.Tables;

/// <summary>The specification's example files. One without examples is an error.</summary>
internal static class TableVectors
{
    public static TheoryData<string> Read(string file, params ReadOnlySpan<string> sections)
    {
        var cases = new TheoryData<string>();
        using var vectors = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Vectors", file)));
        foreach (var section in sections)
        {
            var before = cases.Count;
            foreach (var element in vectors.RootElement.GetProperty(section).EnumerateArray())
                cases.Add(element.GetRawText());
            Assert.True(cases.Count > before, $"{file} has no {section}");
        }

        return cases;
    }
}
