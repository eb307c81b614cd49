using System.Text.Json;
using CsCheck;
using Postern.Core;

namespace Postern.Tests;

public sealed class LogicalLinesTests
{
    public static TheoryData<string> Labels()
    {
        using var vectors = Load();
        var labels = new TheoryData<string>();
        foreach (var one in vectors.RootElement.GetProperty("cases").EnumerateArray())
            labels.Add(one.GetProperty("label").GetString()!);
        return labels;
    }

    [Theory]
    [MemberData(nameof(Labels))]
    public void First_logical_line_of_the_vector(string label)
    {
        using var vectors = Load();
        var vector = vectors.RootElement.GetProperty("cases").EnumerateArray()
            .Single(one => one.GetProperty("label").GetString() == label);
        var warnings = new RecordedWarnings();

        var lines = LogicalLines.Read(vector.GetProperty("file").GetString()!, "main.cf", warnings).ToList();

        var expected = vector.GetProperty("first_logical_line").GetString()!;
        if (expected.Length == 0)
            Assert.Empty(lines);
        else
        {
            Assert.Equal(expected, lines[0].Text);
            Assert.Equal(vector.GetProperty("first_line_number").GetInt32(), lines[0].LineNumber);
            Assert.Equal(vector.GetProperty("last_line_number").GetInt32(), lines[0].LastLineNumber);
        }

        if (vector.TryGetProperty("warning_contains", out var warning))
            Assert.Contains(warning.GetString()!, Assert.Single(warnings.Texts), StringComparison.Ordinal);
        else
            Assert.Empty(warnings.Texts);
    }

    [Fact]
    public void White_space_before_a_continuation_is_kept()
    {
        var lines = LogicalLines.Read("a = b\n# comment\n\n   c\nd = e\r\n\tf", "main.cf", new RecordedWarnings());

        Assert.Equal([new("a = b   c", 1, 4), new("d = e\r\tf", 5, 6)], lines);
    }

    [Fact]
    public void Indented_first_line_is_dropped_with_a_cut_quotation()
    {
        var warnings = new RecordedWarnings();

        var lines = LogicalLines.Read("  123456789012345678901234567890\nx\n", "/etc/m.cf", warnings).ToList();

        Assert.Equal([new("x", 2, 2)], lines);
        Assert.Equal(
            ["/etc/m.cf: logical line must not start with whitespace: \"  1234567890123456789012345678...\""],
            warnings.Texts);
    }

    [Fact]
    public void No_text_breaks_the_reader_and_lines_come_in_order() =>
        Gen.String[Gen.Char[" \t\r\n#ab\0\xe9"], 0, 60].Sample(text =>
        {
            var last = 0;
            foreach (var line in LogicalLines.Read(text, "f", new RecordedWarnings()))
            {
                Assert.False(line.Text.Contains('\n') || LogicalLines.IsSpace(line.Text[0]) || line.Text[0] == '#');
                Assert.True(line.LineNumber > last && line.LastLineNumber >= line.LineNumber);
                last = line.LastLineNumber;
            }
        });

    [Fact]
    public void A_file_that_is_read_in_pieces_has_the_same_lines() =>
        Gen.Select(Gen.String[Gen.Char[" \t\r\n#ab\0\xe9"], 0, 60], Gen.Int[1, 7].Array[1, 5]).Sample((text, pieces) =>
        {
            var (whole, inPieces) = (new RecordedWarnings(), new RecordedWarnings());
            var reader = new LogicalLineReader(new Pieces(text, pieces), "f", inPieces);

            foreach (var line in LogicalLines.Read(text, "f", whole))
            {
                Assert.True(reader.Read());
                Assert.Equal(line, new LogicalLine(reader.Text.ToString(), reader.LineNumber, reader.LastLineNumber));
            }

            Assert.False(reader.Read());
            Assert.Equal(whole.Texts, inPieces.Texts);
        });

    /// <summary>A file that is read a few bytes at a time.</summary>
    private sealed class Pieces(string text, int[] sizes) : IFileReader
    {
        private int _position, _reads;

        public FileStamp Stamp => default;

        public string? Problem => null;

        public int Read(Span<byte> into)
        {
            var count = Math.Min(Math.Min(into.Length, sizes[_reads++ % sizes.Length]), text.Length - _position);
            System.Text.Encoding.Latin1.GetBytes(text.AsSpan(_position, count), into);
            _position += count;
            return count;
        }

        public void Dispose()
        {
        }
    }

    private static JsonDocument Load() =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Vectors", "logical_lines.json")));
}
